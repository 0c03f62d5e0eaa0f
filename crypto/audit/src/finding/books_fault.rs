//! Faults of the books.

use protocol::Asset;
use thiserror::Error;

use crate::book_ids::AccountId;

/// A fault of the books.
#[derive(Debug, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the message of a fault says what its fields are")]
pub enum BooksFault {
    #[error("the transfer is not in the log")]
    NoTransfer,
    #[error("the batch is not in the log")]
    NoBatch,
    #[error("account {account} is not in the log")]
    NoAccount { account: AccountId },
    #[error("no transfer posts them")]
    NotPosted,
    #[error("is neither a round's payout nor a batch's handing over")]
    Purpose,
    #[error("was posted before")]
    PostedBefore,
    #[error("moves {moved} to an account of {counted}")]
    OtherAsset { moved: Asset, counted: Asset },
    #[error("exceeds 2^128 units")]
    Overflow,
    #[error("overdraws account {account}")]
    Overdrawn { account: AccountId },
    #[error("adds {added} and takes {taken}")]
    Unbalanced { added: u128, taken: u128 },
    #[error("is of no round")]
    NoRound,
    #[error("is not what the round's payouts say")]
    OtherPayouts,
    #[error("its lines are not as many, or not as much, as it says")]
    OtherTotal,
    #[error("its root is not that of its lines")]
    OtherRoot,
    #[error("no transfer hands it over")]
    NotHandedOver,
    #[error("its transfer is not what its lines say")]
    OtherLines,
    #[error("is of no chain")]
    NoChain,
    #[error("the participant has not named this address")]
    OtherAddress,
}
