//! Where the large vectors of a round come from.

use std::{collections::HashMap, convert::Infallible};

use names::ContributionId;

/// The bodies and the sum of a round. They are read piece by piece, so that memory grows neither
/// with the dimension nor with the cohort.
///
/// A method fills the buffer from `offset` on and returns how many bytes it wrote. It writes fewer
/// than the buffer holds only where the vector ends.
pub trait Published {
    /// Why bytes could not be had.
    type Error;

    /// Reads from a contribution's body.
    ///
    /// # Errors
    /// The caller's own.
    fn read_body(
        &mut self,
        contribution: ContributionId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Self::Error>;

    /// Reads from the sum.
    ///
    /// # Errors
    /// The caller's own.
    fn read_sum(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Self::Error>;
}

/// A small round in memory. A body that is missing is empty.
#[derive(Clone, Debug, Default)]
pub struct InMemory {
    /// The bodies.
    pub bodies: HashMap<ContributionId, Vec<u8>>,
    /// The sum.
    pub sum: Vec<u8>,
}

impl Published for InMemory {
    type Error = Infallible;

    fn read_body(
        &mut self,
        contribution: ContributionId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Infallible> {
        Ok(copy(self.bodies.get(&contribution).map_or(&[], Vec::as_slice), offset, buffer))
    }

    fn read_sum(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, Infallible> {
        Ok(copy(&self.sum, offset, buffer))
    }
}

fn copy(from: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| from.get(offset..)).unwrap_or_default();
    let length = rest.len().min(buffer.len());
    buffer[..length].copy_from_slice(&rest[..length]);
    length
}
