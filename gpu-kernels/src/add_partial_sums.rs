//! The last step of operations that sum over polynomials: partial sums of blocks of threads become
//! one sum.

use lattice::field;

use crate::device::{DeviceError, Download, Queue};
use crate::kernels::AddPartialSums;
use crate::operation::Lane;

/// `sums += terms` mod q.
pub(crate) fn add_values(sums: &mut [u64], terms: &[u64]) {
    sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum = field::add(*sum, term));
}

/// Queues the addition of the `count` runs of `length` canonical words in `partial_sums`. The
/// result is the buffer of sums and its download.
pub(crate) fn add_partial_sums<Q: Queue>(
    lane: &mut Lane<Q>,
    partial_sums: &Q::Buffer,
    count: u32,
    length: usize,
) -> Result<(Q::Buffer, Download), DeviceError> {
    let sums = lane.queue.allocate(length)?;
    let arguments = AddPartialSums { partial_sums, count: count.into(), length: length as u64, sums: &sums };
    // SAFETY: `partial_sums` holds count · length words, `sums` holds `length`.
    unsafe { lane.queue.launch(&arguments.launch(lane.shapes.sums(length)))? };
    let download = lane.queue.download(&sums)?;
    Ok((sums, download))
}
