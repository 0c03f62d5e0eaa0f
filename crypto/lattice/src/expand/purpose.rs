//! The purposes of pseudorandom streams.

/// The use of a stream. Streams of one key with different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose(pub(super) u32);

impl Purpose {
    /// Mask polynomials. The index is that of the polynomial.
    pub const MASK_POLYNOMIAL: Self = Self(0);
    /// Coefficients of a key share, at index 0.
    pub const KEY_COEFFICIENTS: Self = Self(1);
    /// Blinding of the commitment to a key share, at index 0.
    pub const BLINDING: Self = Self(2);
    /// Errors. The index is that of the block. This randomness is local and never sent.
    pub const ERRORS: Self = Self(3);
    /// Stochastic rounding. The index combines block and attempt. This randomness is local and
    /// never sent.
    pub const ROUNDING: Self = Self(4);
    /// Rows of a projection. The index is that of the block.
    pub const PROJECTION: Self = Self(5);
    /// Ternary rows of the smallness check of a norm proof. The index is that of the row.
    pub const SMALLNESS_ROWS: Self = Self(6);
    /// The generator of a prover, at index 0. This randomness is local and never sent.
    pub const PROVER: Self = Self(7);
}

/// The nonce `u64 index ‖ u32 purpose`.
pub(super) fn nonce(index: u64, Purpose(purpose): Purpose) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&index.to_le_bytes());
    nonce[8..].copy_from_slice(&purpose.to_le_bytes());
    nonce
}
