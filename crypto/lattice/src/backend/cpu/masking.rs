//! [`MaskingBackend`] on the processor.

use rayon::prelude::*;

use super::CpuBackend;
use super::mask_product::MaskProduct;
use super::project;
use crate::backend::checks::whole_blocks;
use crate::backend::error::BackendError;
use crate::backend::masking::MaskingBackend;
use crate::block::RING_DEGREE;
use crate::expand::{MaskPolynomials, ProjectionRows};
use crate::poly::{Evaluation, Poly};

impl MaskingBackend for CpuBackend {
    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError> {
        whole_blocks(out.len())?;
        let product = MaskProduct::new(self.arch, masks, key);
        let blocks = out.par_chunks_exact_mut(RING_DEGREE).enumerate();
        blocks.for_each(|(j, block)| product.write(first + j as u64, block));
        Ok(())
    }

    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError> {
        whole_blocks(values.len())?;
        project::project(self.arch, rows, first, values, sums);
        Ok(())
    }
}
