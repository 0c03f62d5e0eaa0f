//! What every operation demands of its slices, as the reference backend does.

use lattice::{BackendError, RING_DEGREE};

pub(crate) fn whole_blocks(length: usize) -> Result<usize, BackendError> {
    if length.is_multiple_of(RING_DEGREE) {
        Ok(length / RING_DEGREE)
    } else {
        Err(BackendError::PartialBlock { length, block: RING_DEGREE })
    }
}

pub(crate) fn same_length(length: usize, expected: usize) -> Result<(), BackendError> {
    if length == expected { Ok(()) } else { Err(BackendError::Length { length, expected }) }
}
