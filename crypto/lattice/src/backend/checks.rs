//! The checks of arguments that every backend makes before it computes.

use super::error::BackendError;
use crate::block::RING_DEGREE;
use crate::pack::Width;

/// The number of blocks in a slice of `length` values.
///
/// # Errors
/// [`BackendError::PartialBlock`] when the length is not a multiple of N.
pub fn whole_blocks(length: usize) -> Result<usize, BackendError> {
    if length.is_multiple_of(RING_DEGREE) {
        Ok(length / RING_DEGREE)
    } else {
        Err(BackendError::PartialBlock { length, block: RING_DEGREE })
    }
}

/// The number of blocks in two slices that must have the same length.
///
/// # Errors
/// [`BackendError::PartialBlock`] when `length` is not a multiple of N, [`BackendError::Length`]
/// when `other` differs from it.
pub fn equal_blocks(length: usize, other: usize) -> Result<usize, BackendError> {
    let blocks = whole_blocks(length)?;
    same_length(other, length)?;
    Ok(blocks)
}

/// The number of blocks in an accumulator of `length` values, to which `bodies` will be added.
/// These are packed bodies.
///
/// # Errors
/// [`BackendError::PartialBlock`] when `length` is not a multiple of N, [`BackendError::Length`]
/// when a body does not pack `length` words.
pub fn packed_blocks(length: usize, width: Width, bodies: &[&[u8]]) -> Result<usize, BackendError> {
    let blocks = whole_blocks(length)?;
    for body in bodies {
        same_length(body.len(), width.bytes(length))?;
    }
    Ok(blocks)
}

/// Accepts `packed` if it is absent or holds the words of exactly `blocks` blocks.
///
/// # Errors
/// [`BackendError::Length`] when it has another length.
pub fn optional_words(packed: Option<&[u8]>, width: Width, blocks: usize) -> Result<(), BackendError> {
    packed.map_or(Ok(()), |packed| same_length(packed.len(), width.bytes(blocks * RING_DEGREE)))
}

/// Accepts a scale δ with which a sum can be rounded: 1 to 62.
///
/// # Errors
/// [`BackendError::Scale`] for any other δ.
pub fn usable_scale(scale_log2: u32) -> Result<(), BackendError> {
    if (1..=62).contains(&scale_log2) { Ok(()) } else { Err(BackendError::Scale { scale_log2 }) }
}

fn same_length(length: usize, expected: usize) -> Result<(), BackendError> {
    if length == expected { Ok(()) } else { Err(BackendError::Length { length, expected }) }
}
