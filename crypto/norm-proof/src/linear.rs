//! The linear relations, merged into one with the powers of α.
//!
//! (L_z), for both challenges z: ⟨A_z, s⟩ + ⟨z⃗, w⟩ − q·κ_z = Y_z over the integers. Here z⃗ = (1,
//! z, z², …) mod q, r_z = Rᵀz⃗ mod q, A_z = Σ_j adjoint(a_j)·r_{z,j} and Y_z = ⟨r_z, b⟩ mod q, all
//! lifted to [0, q).
//!
//! (S), for every row j: ⟨ρ_j, (s ‖ w ‖ κ)⟩ + y_j = v_j.
//!
//! Relation i is multiplied by αⁱ. The relations (L) come first, then (S).

use curve25519_dalek::Scalar;
use lattice::expand::ProjectionRows;
use lattice::{Fq, MODULUS, RowFold};

use crate::{
    smallness::SmallnessRows,
    witness::{self, FLOODING, KEY, LENGTH, PROJECTION, QUOTIENTS, SMALL, SMALLNESS_ROWS},
};

/// The coefficients of (L_z), from R folded under one challenge z.
pub(crate) struct Relation {
    /// z⃗, the coefficients of w.
    pub(crate) powers: Vec<u64>,
    /// A_z, the coefficients of s.
    pub(crate) key_coefficients: Vec<u64>,
}

impl Relation {
    /// The left side of (L_z), from the fold under `challenge`.
    pub(crate) fn new(challenge: Fq, fold: RowFold) -> Self {
        let next = |power: &Fq| Some(*power * challenge);
        let powers = std::iter::successors(Some(Fq::ONE), next).map(Fq::value);
        Self {
            powers: powers.take(ProjectionRows::COUNT).collect(),
            key_coefficients: fold.adjoint.into_coefficients().values().to_vec(),
        }
    }
}

/// The merged coefficients c and the powers of α. Together the relations are ⟨c, (s ‖ w ‖ κ ‖ y)⟩ =
/// Σ_i αⁱ·(right side i).
pub(crate) struct Merged {
    /// c, one for each entry of the witness.
    pub(crate) coefficients: Vec<Scalar>,
    powers: Vec<Scalar>,
}

impl Merged {
    /// Merges the relations under `alpha`.
    pub(crate) fn new(relations: &[Relation; 2], rows: &SmallnessRows, alpha: &Scalar) -> Self {
        let next = |power: &Scalar| Some(power * alpha);
        let powers: Vec<_> =
            std::iter::successors(Some(Scalar::ONE), next).take(2 + SMALLNESS_ROWS).collect();
        let mut coefficients = vec![Scalar::ZERO; LENGTH];
        for (index, relation) in relations.iter().enumerate() {
            let mut add = |range: std::ops::Range<usize>, values: &[u64]| {
                for (coefficient, &value) in coefficients[range].iter_mut().zip(values) {
                    *coefficient += powers[index] * Scalar::from(value);
                }
            };
            add(KEY, &relation.key_coefficients);
            add(PROJECTION, &relation.powers);
            coefficients[QUOTIENTS][index] -= powers[index] * Scalar::from(MODULUS);
        }
        rows.add_combination(&powers[2..], &mut coefficients[SMALL]);
        coefficients[FLOODING].copy_from_slice(&powers[2..]);
        Self { coefficients, powers }
    }

    /// Σ_i αⁱ·(right side i). The right sides are Y for (L) and v for (S).
    pub(crate) fn right_side(&self, inner: &[Fq; 2], sums: &[i128]) -> Scalar {
        let inner = inner.iter().map(|y| Scalar::from(y.value()));
        let sums = sums.iter().map(|&sum| witness::scalar(sum));
        inner.chain(sums).zip(&self.powers).map(|(value, power)| value * power).sum()
    }

    /// ⟨c, values⟩, the left side of the merged relation.
    pub(crate) fn left_side(&self, values: &[Scalar]) -> Scalar {
        self.coefficients.iter().zip(values).map(|(c, value)| c * value).sum()
    }
}
