//! The roles that clients play in a round.

use rand::{rngs::StdRng, seq::SliceRandom};

/// The role of a client in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Trains, contributes, and checks that its contribution is in the result.
    Honest,
    /// Trains and masks, but vanishes before it sends a byte.
    VanishesBefore,
    /// Contributes, and takes part in no further round.
    LeavesAfter,
    /// Sends garbage, a garbled header, and a body with a flipped bit.
    Vandal,
    /// Contributes, and sends old bytes again: its own under a new contribution id, and those of an
    /// earlier round unchanged.
    Replayer,
    /// Signs with a key that the registrar never saw.
    Impostor,
    /// Sends a well-formed contribution whose key shares no holder can open.
    Saboteur,
    /// Sends its update a hundred times as long, with a proof for the update of the right length.
    Inflator,
    /// Sends well-formed random words, with a proof for its honest update.
    NoiseMaker,
    /// Sends half the modulus twice, with a proof for its honest update. Rows of signs alone would
    /// project these two coordinates to nothing.
    Wrapper,
    /// Sends its update with a proof about a key to which its commitments do not open.
    Locksmith,
    /// Sends its update with a proof that was made for another client.
    Copyist,
    /// Sends its update with a proof that was made for another round.
    Anachronist,
    /// Keeps to the bound, but adds half a unit to a coordinate of the padding. This is accepted,
    /// and harmless.
    Tilter,
    /// Left in an earlier round.
    Gone,
}

/// The roles that need a false proof. Each round has one of them, in turn.
const FORGERS: [Role; 5] =
    [Role::NoiseMaker, Role::Wrapper, Role::Copyist, Role::Anachronist, Role::Locksmith];

impl Role {
    /// Whether its contribution belongs in the sum.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Honest | Self::LeavesAfter | Self::Replayer | Self::Tilter)
    }

    /// Whether only a norm proof keeps its contribution out of the sum.
    pub(super) fn exceeds_the_bound(self) -> bool {
        self == Self::Inflator
    }

    /// Describes its contribution, which the aggregator stores and then rejects.
    pub(super) fn misdeed(self) -> &'static str {
        match self {
            Self::Saboteur => "key shares that do not open",
            Self::Inflator => "an update a hundred times too long",
            Self::NoiseMaker => "well-formed random words",
            Self::Wrapper => "half the modulus, twice",
            Self::Locksmith => "a proof about another key",
            Self::Copyist => "a proof made for another client",
            Self::Anachronist => "a proof made for another round",
            _ => "",
        }
    }
}

/// The smallest cohort of a demo with this many clients. At least this many contributions of every
/// cast count.
pub(super) fn min_cohort(clients: usize) -> usize {
    clients / 3
}

/// Gives every client a role in round `number`. The clients in `gone` left earlier. `proved` says
/// whether the round demands norm proofs.
pub(super) fn cast(clients: usize, number: u16, gone: &[usize], proved: bool, rng: &mut StdRng) -> Vec<Role> {
    let mut roles = vec![Role::Honest; clients];
    gone.iter().for_each(|&client| roles[client] = Role::Gone);
    let mut present: Vec<usize> = (0..clients).filter(|client| !gone.contains(client)).collect();
    present.shuffle(rng);
    let mut next = present.into_iter();
    let mut give = |role, count| next.by_ref().take(count).for_each(|client| roles[client] = role);
    give(Role::VanishesBefore, 2.max(clients / 12));
    give(Role::LeavesAfter, usize::from(gone.len() < clients / 4));
    for role in [Role::Vandal, Role::Replayer, Role::Impostor, Role::Saboteur, Role::Inflator] {
        give(role, 1);
    }
    if proved {
        give(FORGERS[usize::from(number.wrapping_sub(1)) % FORGERS.len()], 1);
        give(Role::Tilter, 1);
    }
    roles
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_cohort_stays_large_enough_for_ever() {
        for clients in 20..60 {
            let mut rng = StdRng::seed_from_u64(clients as u64);
            let mut gone = Vec::new();
            for number in 1..=100 {
                let proved = number % 2 == 0;
                let roles = cast(clients, number, &gone, proved, &mut rng);
                let count = |role| roles.iter().filter(|&&one| one == role).count();
                assert_eq!(count(Role::Gone), gone.len());
                assert!(count(Role::VanishesBefore) >= 2);
                for role in [Role::Vandal, Role::Replayer, Role::Impostor, Role::Saboteur, Role::Inflator] {
                    assert_eq!(count(role), 1);
                }
                assert_eq!(FORGERS.map(count).iter().sum::<usize>(), usize::from(proved));
                assert_eq!(count(Role::Tilter), usize::from(proved));
                assert!(roles.iter().filter(|role| role.counts()).count() >= min_cohort(clients));
                gone.extend((0..clients).filter(|&client| roles[client] == Role::LeavesAfter));
            }
            assert_eq!(gone.len(), clients / 4);
        }
    }
}
