//! Checks key shares against their commitments when they arrive.

use curve25519_dalek::{RistrettoPoint, Scalar, traits::VartimeMultiscalarMul};
use lattice::{RING_DEGREE, sample::KEY_SHARE_BOUND};
use rand::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    bisection::bisect,
    commitment::{Commitment, open_shifted},
    error::SharingError,
    share::KeyShare,
};

/// Limbs of 32 bits in a weight of 128 bits.
const LIMBS: usize = 4;

/// Checks that `share` opens `commitment`. It commits to the share again and compares.
/// Constant-time in the share.
///
/// # Errors
/// [`SharingError::CommitmentMismatch`] if the share does not open the commitment.
pub fn check(share: &KeyShare, commitment: &Commitment) -> Result<(), SharingError> {
    if share.commit() == *commitment { Ok(()) } else { Err(SharingError::CommitmentMismatch) }
}

/// Checks many shares at once. Returns one result for each share, in order.
///
/// With weights r_i of 128 bits from `rng`, it checks Σ_k (Σ_i r_i s_{i,k}) G_k + (Σ_i r_i ρ_i) H =
/// Σ_i r_i P_i. A wrong share goes unnoticed with probability 2⁻¹²⁸. If the equation does not hold,
/// [`bisect`] finds the wrong shares, and each is refused by a check of its own.
///
/// The checker must draw the weights itself. If they were a function of the clients' messages,
/// clients could choose errors that cancel.
///
/// The multiplication for the whole batch is variable-time. Its time depends on the sums Σ_i r_i
/// s_{i,k}. These are blinded by secret weights that are fresh and used once, and the computation
/// runs on the machine of the holder, which knows the shares anyway. The check of a single share is
/// constant-time, also in a batch of one.
pub fn check_batch<R: RngCore + CryptoRng>(
    items: &[(&KeyShare, &Commitment)],
    rng: &mut R,
) -> Vec<Result<(), SharingError>> {
    let verdicts = bisect(items.len(), |range| hold(&items[range], rng));
    let verdict = |good| if good { Ok(()) } else { Err(SharingError::CommitmentMismatch) };
    verdicts.into_iter().map(verdict).collect()
}

/// Whether all of these shares open their commitments. Exact for one share.
fn hold<R: RngCore + CryptoRng>(items: &[(&KeyShare, &Commitment)], rng: &mut R) -> bool {
    match items {
        [(share, commitment)] => check(share, commitment).is_ok(),
        _ => combination_holds(items, rng),
    }
}

fn combination_holds<R: RngCore + CryptoRng>(items: &[(&KeyShare, &Commitment)], rng: &mut R) -> bool {
    let weights: Zeroizing<Vec<[u32; LIMBS]>> =
        Zeroizing::new(items.iter().map(|_| std::array::from_fn(|_| rng.next_u32())).collect());
    let scalars: Zeroizing<Vec<Scalar>> =
        Zeroizing::new(weights.iter().map(|&w| from_limbs(w.map(u64::from))).collect());

    let shifted = weighted_sums(items, &weights);
    let shift = Scalar::from(KEY_SHARE_BOUND as u64) * scalars.iter().sum::<Scalar>();
    let blinding =
        items.iter().zip(scalars.iter()).map(|((share, _), weight)| share.blinding() * weight).sum();

    let commitments = items.iter().map(|(_, commitment)| commitment.point());
    let committed = RistrettoPoint::vartime_multiscalar_mul(scalars.iter(), commitments);
    open_shifted(&shifted, &shift, &blinding) == committed
}

/// Σ_i r_i (s_{i,k} + 32) for each k, below 2¹⁶⁰. Each limb has a 64-bit sum of its own, which is
/// enough for 2²⁶ shares.
fn weighted_sums(items: &[(&KeyShare, &Commitment)], weights: &[[u32; LIMBS]]) -> Zeroizing<Vec<Scalar>> {
    let mut sums = Zeroizing::new(vec![[0_u64; LIMBS]; RING_DEGREE]);
    for ((share, _), weight) in items.iter().zip(weights) {
        for (sum, &s) in sums.iter_mut().zip(share.coefficients().coefficients()) {
            let shifted = (s + KEY_SHARE_BOUND) as u64;
            sum.iter_mut().zip(weight).for_each(|(limb, &w)| *limb += u64::from(w) * shifted);
        }
    }
    Zeroizing::new(sums.iter().copied().map(from_limbs).collect())
}

/// Σ_j limb_j 2^{32j}, for limbs that may exceed 32 bits.
fn from_limbs(limbs: [u64; LIMBS]) -> Scalar {
    let mut bytes = [0; 32];
    let mut carry = 0;
    for (word, limb) in bytes.chunks_exact_mut(4).zip(limbs.into_iter().chain([0; 2])) {
        let sum = carry + u128::from(limb);
        word.copy_from_slice(&(sum as u32).to_le_bytes());
        carry = sum >> 32;
    }
    Scalar::from_bytes_mod_order(bytes)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::test_shares::{forge, share};

    const REFUSED: Result<(), SharingError> = Err(SharingError::CommitmentMismatch);

    fn verdicts(shares: &[KeyShare], commitments: &[Commitment]) -> Vec<Result<(), SharingError>> {
        let items: Vec<_> = shares.iter().zip(commitments).collect();
        check_batch(&items, &mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn honest_shares_are_accepted_in_batches_of_any_size() {
        for count in [0, 1, 2, 9] {
            let shares: Vec<KeyShare> = (0..count).map(share).collect();
            let commitments: Vec<Commitment> = shares.iter().map(KeyShare::commit).collect();
            assert_eq!(verdicts(&shares, &commitments), vec![Ok(()); usize::from(count)]);
        }
    }

    /// Checking each share alone would accept this batch too. The test therefore checks that the
    /// combined equation holds.
    #[test]
    fn one_combination_accepts_an_honest_batch_and_no_other() {
        let shares: Vec<KeyShare> = (0..5).map(share).collect();
        let mut commitments: Vec<Commitment> = shares.iter().map(KeyShare::commit).collect();
        let holds = |commitments: &[Commitment]| {
            let items: Vec<_> = shares.iter().zip(commitments).collect();
            combination_holds(&items, &mut StdRng::seed_from_u64(2))
        };
        assert!(holds(&commitments));
        commitments.swap(1, 3);
        assert!(!holds(&commitments));
    }

    #[test]
    fn culprits_are_named_and_the_others_accepted() {
        let mut shares: Vec<KeyShare> = (0..6).map(share).collect();
        let commitments: Vec<Commitment> = shares.iter().map(KeyShare::commit).collect();
        shares[1] = forge(&shares[1], RING_DEGREE - 1, 1, 0);
        shares[4] = forge(&shares[4], 0, 0, 1);
        let expected = vec![Ok(()), REFUSED, Ok(()), Ok(()), REFUSED, Ok(())];
        assert_eq!(verdicts(&shares, &commitments), expected);
    }

    #[test]
    fn one_wrong_share_of_sixteen_costs_nine_checks_and_not_seventeen() {
        let mut shares: Vec<KeyShare> = (0..16).map(share).collect();
        let commitments: Vec<Commitment> = shares.iter().map(KeyShare::commit).collect();
        shares[2] = forge(&shares[2], 5, 1, 0);
        let items: Vec<_> = shares.iter().zip(&commitments).collect();
        let (mut checks, mut rng) = (0, StdRng::seed_from_u64(3));
        let verdicts = bisect(items.len(), |range| {
            checks += 1;
            hold(&items[range], &mut rng)
        });
        assert_eq!(verdicts.iter().position(|good| !good), Some(2));
        assert_eq!(verdicts.iter().filter(|&&good| good).count(), 15);
        assert!(checks <= 2 * 4 + 1, "{checks}");
        let expected: Vec<_> = verdicts.iter().map(|&good| if good { Ok(()) } else { REFUSED }).collect();
        assert_eq!(check_batch(&items, &mut rng), expected);
    }

    #[test]
    fn errors_that_cancel_in_the_plain_sum_are_refused() {
        let honest: Vec<KeyShare> = (0..3).map(share).collect();
        let commitments: Vec<Commitment> = honest.iter().map(KeyShare::commit).collect();
        let shares = [forge(&honest[0], 7, 1, 3), share(1), forge(&honest[2], 7, -1, -3)];
        assert_eq!(verdicts(&shares, &commitments), vec![REFUSED, Ok(()), REFUSED]);
    }

    #[test]
    fn a_forged_share_alone_is_refused() {
        for (coefficient, blinding) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
            let commitment = share(0).commit();
            assert_eq!(check(&share(0), &commitment), Ok(()));
            assert_eq!(check(&forge(&share(0), 100, coefficient, blinding), &commitment), REFUSED);
        }
    }

    #[test]
    fn limbs_carry_into_the_next_word() {
        let expected = (0..4).map(|_| Scalar::from(u64::MAX)).rev();
        let expected = expected.fold(Scalar::ZERO, |sum, limb| sum * Scalar::from(1_u64 << 32) + limb);
        assert_eq!(from_limbs([u64::MAX; LIMBS]), expected);
    }
}
