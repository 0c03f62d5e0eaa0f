//! Who does what in a round.

use rand::{rngs::StdRng, seq::SliceRandom};

/// A client's part in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Trains, contributes, looks for its contribution in the result.
    Honest,
    /// Trains, masks, and is gone before the first byte is sent.
    VanishesBefore,
    /// Contributes and never comes back, neither in this round nor in another.
    LeavesAfter,
    /// Sends garbage, a garbled header, and a body with a flipped bit.
    Vandal,
    /// Contributes, and sends old bytes again: its own under a new name, those of an earlier round as they
    /// are.
    Replayer,
    /// Signs with a key that the registrar never saw.
    Impostor,
    /// Sends a well-formed contribution whose key shares no holder can open.
    Saboteur,
    /// Left in an earlier round.
    Gone,
}

impl Role {
    /// Whether what it contributes belongs in the sum.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Honest | Self::LeavesAfter | Self::Replayer)
    }
}

/// The smallest cohort that a demo of so many clients asks for; its cast never falls below it.
pub(super) fn min_cohort(clients: usize) -> usize {
    clients / 2
}

/// Casts a round. `gone` are those who left earlier.
pub(super) fn cast(clients: usize, gone: &[usize], rng: &mut StdRng) -> Vec<Role> {
    let mut roles = vec![Role::Honest; clients];
    gone.iter().for_each(|&client| roles[client] = Role::Gone);
    let mut present: Vec<usize> = (0..clients).filter(|client| !gone.contains(client)).collect();
    present.shuffle(rng);
    let mut next = present.into_iter();
    let mut give = |role, count| next.by_ref().take(count).for_each(|client| roles[client] = role);
    give(Role::VanishesBefore, 2.max(clients / 12));
    give(Role::LeavesAfter, usize::from(gone.len() < clients / 4));
    for role in [Role::Vandal, Role::Replayer, Role::Impostor, Role::Saboteur] {
        give(role, 1);
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
            for _ in 0..100 {
                let roles = cast(clients, &gone, &mut rng);
                let count = |role| roles.iter().filter(|&&one| one == role).count();
                assert_eq!(count(Role::Gone), gone.len());
                assert!(count(Role::VanishesBefore) >= 2);
                for role in [Role::Vandal, Role::Replayer, Role::Impostor, Role::Saboteur] {
                    assert_eq!(count(role), 1);
                }
                assert!(roles.iter().filter(|role| role.counts()).count() >= min_cohort(clients));
                gone.extend((0..clients).filter(|&client| roles[client] == Role::LeavesAfter));
            }
            assert_eq!(gone.len(), clients / 4);
        }
    }
}
