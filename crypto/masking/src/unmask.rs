//! Turns the sum of masked contributions and the sum of their keys into the sum of their values,
//! and that sum into the mean.

use lattice::{CHUNK_BLOCKS, MaskPolynomials, Poly, RING_DEGREE, SummingBackend, Unmasking};
use names::MaskSeed;

use crate::{ChunkSum, MaskingError, RoundConstants};

/// One chunk of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnmaskedChunk {
    /// The integer sums, one for each coordinate, including the padding.
    pub sums: Vec<i64>,
    /// The largest magnitude of a residual, at most Δ/2. It is a diagnostic only, because an
    /// accepted client can make it Δ/2.
    pub residual_max: u64,
}

/// Removes the masks from `sum` and rounds it.
///
/// With y = 2^τ·V − a·key_sum modulo q, centred, the sum is ⌊(y + Δ/2)/Δ⌋ and the residual is y −
/// Δ·sum.
///
/// `key_sum` has N coefficients. It is the sum of all shares of all clients' keys, over all
/// holders.
///
/// # Errors
/// When `key_sum` or `sum` has the wrong length, or the backend fails.
pub fn unmask_chunk(
    backend: &dyn SummingBackend,
    constants: &RoundConstants,
    mask_seed: &MaskSeed,
    key_sum: &[i64],
    sum: &ChunkSum,
) -> Result<UnmaskedChunk, MaskingError> {
    let key_sum = Poly::from_signed(key_sum)
        .ok_or(MaskingError::KeyLength { length: key_sum.len(), expected: RING_DEGREE })?
        .into_evaluation();
    let job = Unmasking {
        masks: &MaskPolynomials::derive(mask_seed),
        first: sum.chunk() * CHUNK_BLOCKS as u64,
        key_sum: &key_sum,
        width: constants.width(),
        scale_log2: constants.scale_log2,
    };
    let mut sums = vec![0; sum.words().len()];
    let residual_max = backend.unmask(&job, sum.words(), &mut sums)?;
    Ok(UnmaskedChunk { sums, residual_max })
}

/// Divides each of `sums` by scale · total_weight in double precision, then rounds to single
/// precision.
///
/// The result includes the padding. The caller must keep only the first d coordinates.
pub fn mean(sums: &[i64], constants: &RoundConstants, total_weight: u64) -> Vec<f32> {
    let divisor = constants.scale * total_weight as f64;
    sums.iter().map(|&sum| (sum as f64 / divisor) as f32).collect()
}
