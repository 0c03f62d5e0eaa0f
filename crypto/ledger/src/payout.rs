//! Splitting a pool of indivisible units among participants.

use std::str::FromStr;

/// A million parts: the whole of a score or of a reputation.
pub const PPM: u32 = 1_000_000;

/// What a participant's share of a round's pool is proportional to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Policy {
    /// Nothing: all who contributed are paid alike.
    Equal = 1,
    /// The weight that the participant's contribution counted with in the mean.
    Weight = 2,
    /// The contribution's score times the participant's reputation.
    ScoreReputation = 3,
}

/// What a policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inputs {
    /// The public weight of the contribution.
    pub weight: u32,
    /// The score of the contribution in parts per million, at most [`PPM`]; [`PPM`] in a round that is not scored.
    pub score_ppm: u32,
    /// The reputation of the participant in parts per million, at most [`PPM`], as of the round, from what had happened when it was created.
    pub reputation_ppm: u32,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Equal, Self::Weight, Self::ScoreReputation];

    /// The weight of a participant in [`split`]: 1, the weight, or score · reputation in units of 10⁻¹².
    pub fn weight(self, inputs: &Inputs) -> u64 {
        match self {
            Self::Equal => 1,
            Self::Weight => inputs.weight.into(),
            Self::ScoreReputation => u64::from(inputs.score_ppm) * u64::from(inputs.reputation_ppm),
        }
    }

    /// The name: `equal`, `weight`, `score-reputation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Weight => "weight",
            Self::ScoreReputation => "score-reputation",
        }
    }

    /// The policy with this number, if there is one: 1, 2, 3 in the order above.
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
pub struct Claim<'a> {
    /// Who; each participant claims once.
    pub participant: &'a str,
    /// How much, relative to the others, see [`Policy::weight`].
    pub weight: u64,
}

/// Splits `pool` units in proportion to the weights, by the method of largest remainders (Hamilton): with W the sum of the
/// weights, a claim of weight w gets ⌊pool·w/W⌋ units, and each unit that is left goes to one of the claims with the
/// largest remainders (pool·w mod W), equal ones in ascending order of the participants' bytes. The answer is in the order
/// of the claims.
///
/// The shares add up to the pool exactly; a larger weight never gets less than a smaller one, nor less than it would have
/// got with a smaller one; weight 0 gets nothing; the order of the claims does not matter. A participant's share is within
/// one unit of pool·w/W; a larger pool can give a participant one unit less (the Alabama paradox of this method).
///
/// # Errors
/// [`PayoutError::NoWeight`] when all weights are 0 or there are no claims, [`PayoutError::TooMuchWeight`] when W exceeds
/// 2⁶⁴ − 1, [`PayoutError::Repeated`] when a participant claims twice.
pub fn split(pool: u128, claims: &[Claim<'_>]) -> Result<Vec<u128>, PayoutError> {
    let total = claims.iter().try_fold(0u64, |total, claim| total.checked_add(claim.weight));
    let total = u128::from(total.ok_or(PayoutError::TooMuchWeight)?);
    if total == 0 {
        return Err(PayoutError::NoWeight);
    }
    let mut order: Vec<usize> = (0..claims.len()).collect();
    order.sort_unstable_by_key(|&i| claims[i].participant);
    if let Some(pair) =
        order.windows(2).find(|pair| claims[pair[0]].participant == claims[pair[1]].participant)
    {
        return Err(PayoutError::Repeated { index: pair[0].max(pair[1]) });
    }
    // pool = units·W + rest; w and rest are below 2^64, so nothing exceeds 128 bits.
    let (units, rest) = (pool / total, pool % total);
    let parts = claims.iter().map(|claim| {
        let (w, part) = (u128::from(claim.weight), rest * u128::from(claim.weight));
        (units * w + part / total, part % total)
    });
    let (mut shares, remainders): (Vec<u128>, Vec<u128>) = parts.unzip();
    // Every remainder is below W and they add up to a multiple of W: the quotient is the number of units left.
    let left = pool - shares.iter().sum::<u128>();
    order.sort_by_key(|&i| std::cmp::Reverse(remainders[i]));
    let left = usize::try_from(left).expect("fewer units are left than there are claims");
    order[..left].iter().for_each(|&i| shares[i] += 1);
    Ok(shares)
}

/// Why a pool was not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayoutError {
    /// No claim has a weight.
    #[error("no claim has a weight")]
    NoWeight,
    /// The weights add up to 2⁶⁴ or more.
    #[error("the weights add up to 2^64 or more")]
    TooMuchWeight,
    /// A participant claims twice.
    #[error("claim {index} is of a participant who has claimed already")]
    Repeated {
        /// The second claim's position.
        index: usize,
    },
    /// There is no policy of that name.
    #[error("a policy is `equal`, `weight` or `score-reputation`")]
    Policy,
}
