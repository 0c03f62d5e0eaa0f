//! Splits a pool of indivisible units among participants.

use std::str::FromStr;

/// The largest score and the largest reputation, in parts per million.
pub const PPM: u32 = 1_000_000;

/// The number to which a participant's share of the pool is proportional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Policy {
    /// The same number for each participant in the sum.
    Equal = 1,
    /// The weight with which the contribution counted in the mean.
    ///
    /// A participant states its own weight, and pays nothing for a larger one, because its update
    /// is clipped all the same. Expect each to state the largest that it may. The limits are the
    /// round's `weight_max` and the `max_weight` that the registrar signs, where it signs one.
    Weight = 2,
    /// The contribution's score times the participant's reputation.
    ScoreReputation = 3,
}

/// The numbers on which a policy depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inputs {
    /// The public weight of the contribution.
    pub weight: u32,
    /// The score of the contribution in parts per million, at most [`PPM`]. It is [`PPM`] in a
    /// round that is not scored.
    pub score_ppm: u32,
    /// The reputation of the participant in parts per million, at most [`PPM`]. It depends only on
    /// what had happened when the round was created.
    pub reputation_ppm: u32,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Equal, Self::Weight, Self::ScoreReputation];

    /// The weight of a participant in [`split`]: 1, the public weight, or score · reputation in
    /// units of 10⁻¹².
    pub fn weight(self, inputs: &Inputs) -> u64 {
        match self {
            Self::Equal => 1,
            Self::Weight => inputs.weight.into(),
            Self::ScoreReputation => u64::from(inputs.score_ppm) * u64::from(inputs.reputation_ppm),
        }
    }

    /// The name in configuration and messages: `equal`, `weight`, `score-reputation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Weight => "weight",
            Self::ScoreReputation => "score-reputation",
        }
    }

    /// The policy with this number: 1, 2, 3 in the order above.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| *policy as u8 == number)
    }
}

impl FromStr for Policy {
    type Err = PayoutError;

    fn from_str(name: &str) -> Result<Self, PayoutError> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name).ok_or(PayoutError::Policy)
    }
}

/// A participant and its weight in the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The participant's name. Each participant appears once.
    pub participant: &'a str,
    /// Its weight relative to the others, see [`Policy::weight`].
    pub weight: u64,
}

/// Splits `pool` units in proportion to the weights, by the method of largest remainders
/// (Hamilton). The answer is in the order of the recipients.
///
/// Let W be the sum of the weights. A recipient with weight w gets ⌊pool·w/W⌋ units. The units that
/// are left go to the recipients with the largest remainders (pool·w mod W), one unit to each.
/// Recipients with equal remainders are taken in ascending order of the participants' bytes.
///
/// The shares add up to the pool exactly, and each is within one unit of pool·w/W. A larger weight
/// never gets less than a smaller one, and no participant loses by a larger weight. Weight 0 gets
/// nothing. The order of the recipients does not matter. A larger pool can give a participant one
/// unit less: this is the Alabama paradox of the method.
///
/// # Errors
/// [`PayoutError::NoWeight`] when all weights are 0 or there are no recipients.
/// [`PayoutError::TooMuchWeight`] when W exceeds 2⁶⁴ − 1. [`PayoutError::Repeated`] when a
/// participant appears twice.
pub fn split(pool: u128, recipients: &[Recipient<'_>]) -> Result<Vec<u128>, PayoutError> {
    let total = recipients.iter().try_fold(0u64, |total, recipient| total.checked_add(recipient.weight));
    let total = u128::from(total.ok_or(PayoutError::TooMuchWeight)?);
    if total == 0 {
        return Err(PayoutError::NoWeight);
    }
    let mut order: Vec<usize> = (0..recipients.len()).collect();
    order.sort_unstable_by_key(|&i| recipients[i].participant);
    if let Some(pair) =
        order.windows(2).find(|pair| recipients[pair[0]].participant == recipients[pair[1]].participant)
    {
        return Err(PayoutError::Repeated { index: pair[0].max(pair[1]) });
    }
    // pool = units·W + rest. w and rest are below 2^64, so nothing exceeds 128 bits.
    let (units, rest) = (pool / total, pool % total);
    let parts = recipients.iter().map(|recipient| {
        let (w, part) = (u128::from(recipient.weight), rest * u128::from(recipient.weight));
        (units * w + part / total, part % total)
    });
    let (mut shares, remainders): (Vec<u128>, Vec<u128>) = parts.unzip();
    // Every remainder is below W, and they add up to a multiple of W. The quotient is the number of
    // units left.
    let left = pool - shares.iter().sum::<u128>();
    order.sort_by_key(|&i| std::cmp::Reverse(remainders[i]));
    let left = usize::try_from(left).expect("fewer units are left than there are recipients");
    order[..left].iter().for_each(|&i| shares[i] += 1);
    Ok(shares)
}

/// Why a pool was not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayoutError {
    /// Every weight is 0, or there is nobody to pay.
    #[error("every weight is 0")]
    NoWeight,
    /// The weights add up to 2⁶⁴ or more.
    #[error("the weights add up to 2^64 or more")]
    TooMuchWeight,
    /// A participant appears twice.
    #[error("the participant at position {index} appears twice")]
    Repeated {
        /// The position at which it appears again.
        index: usize,
    },
    /// There is no policy with this name.
    #[error("a policy is `equal`, `weight` or `score-reputation`")]
    Policy,
}
