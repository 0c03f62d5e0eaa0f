//! The numbers that name accounts, transfers and batches in the books.

use std::fmt;

use serde::Deserialize;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

numbers! {
    /// Names an account of the books.
    AccountId;
    /// Names a transfer between accounts.
    TransferId;
    /// Names a batch of balances that were handed to a distributor.
    BatchId;
}
