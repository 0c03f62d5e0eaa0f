//! Amounts as the log writes them: decimal digits in a text.

use std::{fmt, str::FromStr};

/// Units that were added to an account, or taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Movement {
    /// Written without a sign.
    Added(u128),
    /// Written with a minus.
    Taken(u128),
}

/// The text is not an amount.
#[derive(Debug)]
pub(crate) struct NotAnAmount;

impl fmt::Display for NotAnAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount has decimal digits without leading zeros, and is below 2^128")
    }
}

/// Reads digits only in the form that [`Display`](fmt::Display) writes. Equal amounts therefore
/// have equal texts.
pub(crate) fn parse(digits: &str) -> Result<u128, NotAnAmount> {
    let units: u128 = digits.parse().map_err(|_| NotAnAmount)?;
    if units.to_string() == digits { Ok(units) } else { Err(NotAnAmount) }
}

impl FromStr for Movement {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        match text.strip_prefix('-') {
            None => parse(text).map(Self::Added),
            Some(digits) => match parse(digits)? {
                0 => Err(NotAnAmount),
                units => Ok(Self::Taken(units)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_amounts_have_equal_texts() {
        for (text, movement) in [
            ("0", Movement::Added(0)),
            ("340282366920938463463374607431768211455", Movement::Added(u128::MAX)),
            ("-12", Movement::Taken(12)),
        ] {
            assert_eq!(text.parse::<Movement>().unwrap(), movement);
        }
        for text in ["", "-", "-0", "+1", "01", "--1", " 1", "1.0", "340282366920938463463374607431768211456"]
        {
            assert!(text.parse::<Movement>().is_err(), "{text:?}");
        }
    }
}
