//! The smallness relation (S). Random ternary sums of the witness show that every entry is small.
//! Flooding hides the sums.

use curve25519_dalek::Scalar;
use lattice::expand::{PublicStream, PublicStreamKey, Purpose};
use zeroize::Zeroizing;

use crate::witness::{Integers, SMALL, SMALLNESS_ROWS};

/// Words with one bit for each entry.
const WORDS: usize = SMALL.end.div_ceil(64);
/// Rows that one table of subset sums covers.
const GROUP: usize = 8;

/// The public ternary rows ρ_1 … ρ_128 over s ‖ w ‖ κ.
///
/// Row j comes from the ChaCha8 stream with index j. Entry e is bit e of the first ⌈2306/64⌉ words
/// minus bit e of the same number of words after them. Bit e is bit e mod 64 of word ⌊e/64⌋.
pub(crate) struct SmallnessRows(Vec<Row>);

struct Row {
    plus: [u64; WORDS],
    minus: [u64; WORDS],
}

impl SmallnessRows {
    /// Reads the rows from the streams under `key`.
    pub(crate) fn expand(key: &PublicStreamKey) -> Self {
        let row = |index| {
            let mut stream = PublicStream::new(key, index, Purpose::SMALLNESS_ROWS);
            let (mut plus, mut minus) = ([0; WORDS], [0; WORDS]);
            stream.fill(&mut plus);
            stream.fill(&mut minus);
            Row { plus, minus }
        };
        Self((0..SMALLNESS_ROWS as u64).map(row).collect())
    }

    /// Computes ⟨ρ_j, small⟩ for every row, with integers modulo 2¹²⁸. Constant-time in `small`.
    pub(crate) fn apply(&self, small: &[i128]) -> Integers {
        assert_eq!(small.len(), SMALL.len(), "the rows cover the small entries");
        let sum = |row: &Row| {
            let term = |(entry, &value): (usize, &i128)| {
                let sign = bit(&row.plus, entry) as i128 - bit(&row.minus, entry) as i128;
                sign.wrapping_mul(value)
            };
            small.iter().enumerate().map(term).fold(0, i128::wrapping_add)
        };
        Zeroizing::new(self.0.iter().map(sum).collect())
    }

    /// Adds Σ_j weight_j ρ_j to `sums`. It looks up the subset sums of eight weights in tables.
    pub(crate) fn add_combination(&self, weights: &[Scalar], sums: &mut [Scalar]) {
        assert_eq!(sums.len(), SMALL.len(), "the rows cover the small entries");
        for (rows, weights) in self.0.chunks_exact(GROUP).zip(weights.chunks_exact(GROUP)) {
            let table = subset_sums(weights);
            let subset = |words: fn(&Row) -> &[u64; WORDS], entry| {
                rows.iter().rev().fold(0, |subset, row| subset << 1 | bit(words(row), entry) as usize)
            };
            for (entry, sum) in sums.iter_mut().enumerate() {
                *sum += table[subset(|row| &row.plus, entry)] - table[subset(|row| &row.minus, entry)];
            }
        }
    }
}

fn bit(words: &[u64; WORDS], index: usize) -> u64 {
    words[index / 64] >> (index % 64) & 1
}

/// For every subset T of the weights, Σ_{j ∈ T} weight_j at the index Σ_{j ∈ T} 2^j.
fn subset_sums(weights: &[Scalar]) -> Vec<Scalar> {
    let mut sums = vec![Scalar::ZERO];
    for weight in weights {
        sums.extend(sums.iter().map(|sum| sum + weight).collect::<Vec<_>>());
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::witness::scalar;

    #[test]
    fn combinations_of_rows_are_the_rows_combined() {
        let rows = SmallnessRows::expand(&[1; 32].into());
        let small: Vec<i128> = (0..SMALL.end as i128).map(|k| (k * k * 1_000_003) % 10_007 - 5_000).collect();
        let weights: Vec<Scalar> = (1..=SMALLNESS_ROWS as u64).map(|j| Scalar::from(j * j)).collect();
        let mut combined = vec![Scalar::ZERO; SMALL.len()];
        rows.add_combination(&weights, &mut combined);
        let left: Scalar = combined.iter().zip(&small).map(|(c, &v)| c * scalar(v)).sum();
        let right: Scalar = rows.apply(&small).iter().zip(&weights).map(|(&v, w)| scalar(v) * w).sum();
        assert_eq!(left, right);
    }

    #[test]
    fn entries_are_half_zeros_and_a_quarter_of_each_sign() {
        let rows = SmallnessRows::expand(&[2; 32].into());
        let mut counts = [0_u32; 3];
        for row in &rows.0 {
            for entry in SMALL {
                counts[(1 + bit(&row.plus, entry) - bit(&row.minus, entry)) as usize] += 1;
            }
        }
        // 295 168 entries. Six standard deviations of a binomial are below 1 640.
        for (count, expected) in counts.into_iter().zip([73_792, 147_584, 73_792]) {
            assert!(count.abs_diff(expected) < 1_640, "{counts:?}");
        }
    }
}
