//! The two secret distributions: shares of mask keys, and errors.

use std::fmt;

use pulp::Arch;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::block::RING_DEGREE;
use crate::expand::{Purpose, SecretStream, SecretStreamKey};
use crate::poly::SmallPoly;

/// The largest magnitude of a coefficient of a key share.
pub const KEY_SHARE_BOUND: i16 = 32;

/// The largest magnitude of an error.
pub const ERROR_BOUND: i32 = 1 << 20;

/// The number of uniform values whose sum is one error.
const TERMS: usize = 8;

/// Expands the ChaCha20 stream of `stream_key` to a holder's share of a mask key.
///
/// The distribution is centred binomial with η = 32. With w = word k of the stream, coefficient k
/// is popcount(w mod 2³²) − popcount(w div 2³²). So |s_k| ≤ 32 and the variance is 16.
/// Constant-time.
pub fn key_share(stream_key: &SecretStreamKey) -> SmallPoly {
    let mut words = Zeroizing::new([0; RING_DEGREE]);
    SecretStream::new(stream_key, 0, Purpose::KEY_COEFFICIENTS).fill(&mut words[..]);
    let binomial =
        |word: &u64| (*word as u32).count_ones() as i16 - ((word >> 32) as u32).count_ones() as i16;
    let coefficients = Zeroizing::new(words.each_ref().map(binomial));
    SmallPoly::from_coefficients(&coefficients[..]).expect("N coefficients")
}

/// The errors of a contribution. Each is the sum of eight independent uniform values in [−2¹⁷,
/// 2¹⁷).
///
/// The mean is −4, the variance 8·(2³⁶ − 1)/12 (σ ≈ 2^17.7), and the magnitude at most 2²⁰. A sum
/// of eight is close to Gaussian on purpose. The sum of all clients' errors becomes public. If
/// single errors were uniform, an extreme sum would pin them down.
///
/// The seed serves for one contribution and is never sent. With the errors and one key share,
/// anyone could compute the other share.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ErrorSampler {
    seed: SecretStreamKey,
    #[zeroize(skip)]
    arch: Arch,
}

impl ErrorSampler {
    /// The errors that `seed` expands to.
    pub fn new(seed: SecretStreamKey) -> Self {
        Self { seed, arch: Arch::new() }
    }

    /// Overwrites `errors` with the errors of block `index`. Constant-time.
    ///
    /// The stream is read as `u16` words. First come the low 16 bits of the eight terms, N words
    /// for each term. Then follows one word for each coordinate, with the eight 2-bit high parts of
    /// its terms.
    pub fn fill(&self, index: u64, scratch: &mut ErrorScratch, errors: &mut [i32; RING_DEGREE]) {
        let words = &mut scratch.0[..];
        SecretStream::new(&self.seed, index, Purpose::ERRORS).fill_bytes(bytemuck::cast_slice_mut(words));
        let words = &*words;
        self.arch.dispatch(
            #[inline(always)]
            || sum_terms(words, errors),
        );
    }
}

impl fmt::Debug for ErrorSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorSampler(redacted)")
    }
}

/// Working memory for the stream of one block of errors. Dropping it overwrites it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ErrorScratch(Box<[u16]>);

impl ErrorScratch {
    /// Allocates the memory, filled with zeros.
    pub fn new() -> Self {
        Self(vec![0; (TERMS + 1) * RING_DEGREE].into())
    }
}

impl Default for ErrorScratch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ErrorScratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorScratch(redacted)")
    }
}

/// Computes errors = Σ low + 2¹⁶·Σ high − 8·2¹⁷ from the nine planes of `words`.
#[inline(always)]
fn sum_terms(words: &[u16], errors: &mut [i32; RING_DEGREE]) {
    let (low, high) = words.split_at(TERMS * RING_DEGREE);
    for (error, &parts) in errors.iter_mut().zip(high) {
        let pairs = (parts & 0x3333) + (parts >> 2 & 0x3333);
        let halves = (pairs & 0x0f0f) + (pairs >> 4 & 0x0f0f);
        *error = (i32::from((halves & 0xff) + (halves >> 8)) << 16) - ERROR_BOUND;
    }
    for plane in low.chunks_exact(RING_DEGREE) {
        for (error, &term) in errors.iter_mut().zip(plane) {
            *error += i32::from(term);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, variance and kurtosis of `values`.
    fn moments(values: &[f64]) -> (f64, f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let central = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
        (mean, central(2), central(4) / central(2).powi(2))
    }

    fn errors(seed: u8, blocks: u64) -> Vec<f64> {
        let sampler = ErrorSampler::new([seed; 32].into());
        let (mut scratch, mut block) = (ErrorScratch::new(), [0; RING_DEGREE]);
        let mut all = Vec::new();
        for index in 0..blocks {
            sampler.fill(index, &mut scratch, &mut block);
            assert!(block.iter().all(|e| e.abs() <= ERROR_BOUND));
            all.extend(block.map(f64::from));
        }
        all
    }

    #[test]
    fn key_shares_are_centred_binomial() {
        let values: Vec<f64> = (0..100_u8)
            .flat_map(|seed| {
                key_share(&[seed; 32].into()).coefficients().iter().map(|&c| f64::from(c)).collect::<Vec<_>>()
            })
            .collect();
        let (mean, variance, kurtosis) = moments(&values);
        // 204 800 samples. The limits are five standard deviations of each estimate.
        assert!(mean.abs() < 0.045, "{mean}");
        assert!((variance - 16.0).abs() < 0.25, "{variance}");
        assert!((kurtosis - (3.0 - 2.0 / 64.0)).abs() < 0.055, "{kurtosis}");
    }

    #[test]
    fn key_shares_take_positive_bits_from_the_low_half() {
        let mut words = [0; RING_DEGREE];
        SecretStream::new(&[9; 32].into(), 0, Purpose::KEY_COEFFICIENTS).fill(&mut words);
        let share = key_share(&[9; 32].into());
        for (word, &coefficient) in words.iter().zip(share.coefficients()) {
            let (low, high) = (word & 0xffff_ffff, word >> 32);
            assert_eq!(i64::from(coefficient), i64::from(low.count_ones()) - i64::from(high.count_ones()));
        }
    }

    #[test]
    fn errors_have_the_moments_of_eight_uniforms() {
        let (mean, variance, kurtosis) = moments(&errors(1, 200));
        let expected = 8.0 * (2_f64.powi(36) - 1.0) / 12.0;
        // 409 600 samples. The limits are five standard deviations of each estimate.
        assert!((mean + 4.0).abs() < 5.0 * (expected / 409_600.0).sqrt(), "{mean}");
        assert!((variance / expected - 1.0).abs() < 0.011, "{variance}");
        assert!((kurtosis - (3.0 - 1.2 / 8.0)).abs() < 0.04, "{kurtosis}");
    }

    #[test]
    fn errors_are_uncorrelated_between_neighbours_and_seeds() {
        let (a, b) = (errors(2, 100), errors(3, 100));
        let variance = 8.0 * (2_f64.powi(36) - 1.0) / 12.0;
        let correlation = |x: &[f64], y: &[f64]| {
            x.iter().zip(y).map(|(p, q)| (p + 4.0) * (q + 4.0)).sum::<f64>() / (variance * x.len() as f64)
        };
        for (x, y) in [(&a[1..], &a[..]), (&a[..], &b[..]), (&a[RING_DEGREE..], &a[..])] {
            let c = correlation(x, y);
            assert!(c.abs() < 5.0 / 450.0, "{c}");
        }
    }

    #[test]
    fn one_error_is_the_sum_of_its_eight_terms() {
        let mut scratch = ErrorScratch::new();
        let mut block = [0; RING_DEGREE];
        ErrorSampler::new([4; 32].into()).fill(77, &mut scratch, &mut block);
        for (k, &error) in block.iter().enumerate() {
            let high = scratch.0[TERMS * RING_DEGREE + k];
            let term = |t: usize| {
                let value = i32::from(scratch.0[t * RING_DEGREE + k]) | i32::from(high >> (2 * t) & 3) << 16;
                value - (1 << 17)
            };
            assert_eq!(error, (0..TERMS).map(term).sum::<i32>());
        }
    }

    #[test]
    fn extreme_streams_give_extreme_errors() {
        let mut block = [0; RING_DEGREE];
        sum_terms(&vec![0; (TERMS + 1) * RING_DEGREE], &mut block);
        assert_eq!(block[0], -ERROR_BOUND);
        sum_terms(&vec![u16::MAX; (TERMS + 1) * RING_DEGREE], &mut block);
        assert_eq!(block[0], ERROR_BOUND - 8);
    }

    #[test]
    fn every_instruction_set_gives_the_same_errors() {
        let scratch = &mut ErrorScratch::new();
        let (mut fast, mut portable) = ([0; RING_DEGREE], [0; RING_DEGREE]);
        ErrorSampler::new([5; 32].into()).fill(1, scratch, &mut fast);
        ErrorSampler { seed: [5; 32].into(), arch: Arch::Scalar }.fill(1, scratch, &mut portable);
        assert_eq!(fast, portable);
    }
}
