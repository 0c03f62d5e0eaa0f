//! Multiplies mask polynomials with one key.

use pulp::Arch;

use super::products::multiply;
use crate::expand::MaskPolynomials;
use crate::ntt;
use crate::poly::{Evaluation, Poly};

/// The products of the mask polynomials of a round with one key.
pub(super) struct MaskProduct<'a> {
    arch: Arch,
    masks: &'a MaskPolynomials,
    /// The key divided by N, because the inverse transform does not normalise.
    key: Poly<Evaluation>,
}

impl<'a> MaskProduct<'a> {
    pub(super) fn new(arch: Arch, masks: &'a MaskPolynomials, key: &Poly<Evaluation>) -> Self {
        let mut scaled = Poly::zero();
        scaled.values_mut().copy_from_slice(key.values());
        scaled.scale(ntt::DEGREE_INVERSE);
        Self { arch, masks, key: scaled }
    }

    /// Overwrites `block` with a_`index` · key in coefficient form.
    pub(super) fn write(&self, index: u64, block: &mut [u64]) {
        self.masks.expand(index, block);
        self.arch.dispatch(
            #[inline(always)]
            || multiply(block, self.key.values()),
        );
        ntt::inverse_scaled(block);
    }
}
