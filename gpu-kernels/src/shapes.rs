//! The shapes in which kernels are launched.

use lattice::RING_DEGREE;

use crate::kernels::Shape;
use crate::options::Options;

/// Threads that transform a polynomial together: TEAM in include/words.cuh.
const TEAM: u32 = 256;

/// Words of shared memory of a team: TEAM_WORDS in include/ntt.cuh.
pub const TEAM_WORDS: u32 = (RING_DEGREE + RING_DEGREE / 16) as u32;

/// The shapes of launches, as [`Options`] choose them.
#[derive(Clone, Copy, Debug)]
pub struct Shapes {
    teams: u32,
    threads: u32,
    grid: u32,
}

impl Shapes {
    /// The shapes of `options`.
    pub fn new(options: &Options) -> Self {
        Self { teams: options.teams, threads: options.threads, grid: options.grid }
    }

    /// One team for each of `blocks` polynomials.
    pub fn teams(&self, blocks: usize) -> Shape {
        let grid = count(blocks).div_ceil(self.teams);
        Shape { grid, block: [TEAM, self.teams], shared_words: self.teams * TEAM_WORDS }
    }

    /// Blocks of one team, with `shared_words` of shared memory. They share `work` pieces of work.
    pub fn summing_teams(&self, work: usize, shared_words: u32) -> Shape {
        Shape { grid: count(work).min(self.grid), block: [TEAM, 1], shared_words }
    }

    /// Threads that stride over `length` words and sum up. All blocks of threads run at once, so
    /// that there are few partial sums.
    pub fn summing_words(&self, length: usize) -> Shape {
        self.striding(length, 4)
    }

    /// Threads that stride over `length` words, in many more blocks than run at once.
    pub fn words(&self, length: usize) -> Shape {
        self.striding(length, 16)
    }

    /// One block of threads for each 32 of `length` sums.
    pub fn sums(&self, length: usize) -> Shape {
        Shape { grid: count(length).div_ceil(32), block: [self.threads, 1], shared_words: 0 }
    }

    fn striding(&self, length: usize, grids: u32) -> Shape {
        let grid = count(length).div_ceil(self.threads).min(self.grid.saturating_mul(grids));
        Shape { grid, block: [self.threads, 1], shared_words: 0 }
    }
}

/// A batch has at most 2²⁰ blocks, that is 2³¹ words.
fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a batch has at most 2^31 words")
}
