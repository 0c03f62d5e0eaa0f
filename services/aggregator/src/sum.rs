//! The sum of a round in the object store, chunk by chunk. First it is folded, which gives the
//! masked sum as `u64`. Then it is unmasked, which gives `i64`. Both are little-endian.

use bytes::Bytes;
use futures::{StreamExt, stream};
use kit::{Error, Result};
use masking::RoundConstants;
use names::ChunkDigest;

use crate::{
    blobs::{Blobs, ByteStream, object_names::SumNames},
    state::App,
};

/// Bytes of a coordinate, folded or unmasked.
pub(crate) const WORD_BYTES: usize = 8;

impl SumNames {
    /// The whole unmasked sum, in pieces of whole words.
    pub(crate) fn stream(&self, blobs: &Blobs, constants: &RoundConstants) -> ByteStream {
        let (names, blobs, constants) = (self.clone(), blobs.clone(), *constants);
        let chunks =
            stream::iter(0..constants.chunks()).flat_map(move |chunk| names.chunk(&blobs, &constants, chunk));
        chunks.boxed()
    }

    /// One chunk of the unmasked sum, in pieces of whole words.
    pub(crate) fn chunk(&self, blobs: &Blobs, constants: &RoundConstants, chunk: u64) -> ByteStream {
        let length = (WORD_BYTES * constants.chunk_coefficients(chunk)) as u64;
        blobs.stream(self.unmasked(chunk), length)
    }
}

/// The mean of a piece of the unmasked sum.
pub(crate) fn decode(sum: &[u8], constants: &RoundConstants, total_weight: u64) -> Vec<f32> {
    let (words, _) = sum.as_chunks::<WORD_BYTES>();
    let sums: Vec<i64> = words.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect();
    masking::mean(&sums, constants, total_weight)
}

/// Writes words as an object, which is durable when this returns. Returns the BLAKE3 digest of the
/// object's bytes.
pub(crate) async fn write_words<T: Copy + Send + 'static>(
    app: &App,
    object_name: &str,
    words: &[T],
    to_bytes: fn(T) -> [u8; WORD_BYTES],
) -> Result<ChunkDigest> {
    let mut writing = app.blobs.write(object_name).await?;
    let mut hasher = blake3::Hasher::new();
    for piece in words.chunks(app.blobs.part_bytes() / WORD_BYTES) {
        let piece = piece.to_vec();
        let packed = app.compute.run(move || {
            let mut bytes = Vec::with_capacity(WORD_BYTES * piece.len());
            piece.iter().for_each(|&word| bytes.extend_from_slice(&to_bytes(word)));
            hasher.update(&bytes);
            (hasher, Bytes::from(bytes))
        });
        let (returned, part) = packed.await?;
        hasher = returned;
        writing.store_part(part).await?;
    }
    writing.finish().await?;
    Ok(ChunkDigest::from_bytes(hasher.finalize().into()))
}

/// Reads an object of `count` words. If its digest is known, the object must have it.
pub(crate) async fn read_words(
    app: &App,
    object_name: String,
    count: usize,
    digest: Option<ChunkDigest>,
) -> Result<Vec<u64>> {
    let mut words = Vec::with_capacity(count);
    let mut hasher = blake3::Hasher::new();
    let mut pieces = std::pin::pin!(app.blobs.stream(object_name, (WORD_BYTES * count) as u64));
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        let (whole, rest) = piece.as_chunks::<WORD_BYTES>();
        if !rest.is_empty() {
            return Err(Error::fault("a stored chunk does not hold whole words"));
        }
        words.extend(whole.iter().map(|&bytes| u64::from_le_bytes(bytes)));
        let hashing = app.compute.run(move || {
            hasher.update(&piece);
            hasher
        });
        hasher = hashing.await?;
    }
    match digest {
        Some(digest) if ChunkDigest::from_bytes(hasher.finalize().into()) != digest => {
            Err(Error::fault("a stored chunk is not the one that was written"))
        }
        _ => Ok(words),
    }
}
