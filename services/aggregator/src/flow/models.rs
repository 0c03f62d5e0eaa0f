//! The models that rounds start from.

use api::ProblemKind;
use axum::body::Body;
use futures::StreamExt;
use kit::{Error, Result};
use sha2::{Digest, Sha256};

use crate::{
    blobs::{ByteStream, Writing},
    state::App,
    store::participants::{self, ModelRow},
};

/// Where a model's bytes are in the object store.
fn location(digest: &[u8; 32]) -> String {
    format!("models/{}", hex::encode(digest))
}

/// Stores a model as it streams by. Repeating it changes nothing.
pub(crate) async fn put(app: &App, digest: [u8; 32], body: Body) -> Result<()> {
    if participants::find_model(&app.db, &digest).await?.is_some() {
        return Ok(());
    }
    let location = location(&digest);
    let mut writing = app.blobs.write(&location).await?;
    let bytes = match receive(app, &digest, body, &mut writing).await {
        Ok(bytes) => bytes,
        Err(error) => {
            writing.abort().await;
            return Err(error);
        }
    };
    writing.finish().await?;
    let model = ModelRow { bytes: bytes.cast_signed(), location };
    participants::store_model(&app.db, &digest, &model, app.now()).await?;
    Ok(())
}

/// Writes the bytes, checks that they have the digest and returns their number.
async fn receive(app: &App, digest: &[u8; 32], body: Body, writing: &mut Writing) -> Result<u64> {
    let (mut sha256, mut bytes) = (Sha256::new(), 0u64);
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let piece =
            piece.map_err(|_| Error::abort(ProblemKind::MalformedRequest).detail("the body ended early"))?;
        bytes += piece.len() as u64;
        if bytes > app.limits.max_model_bytes {
            return Err(Error::abort(ProblemKind::PayloadTooLarge));
        }
        sha256.update(&piece);
        writing.append(&piece).await?;
    }
    if bytes == 0 || sha256.finalize()[..] != *digest {
        let rule = "the SHA-256 digest of the bytes, in the path";
        return Err(Error::abort(ProblemKind::DigestMismatch).field("digest", rule));
    }
    Ok(bytes)
}

/// A model's bytes and their number.
pub(crate) async fn get(app: &App, digest: [u8; 32]) -> Result<(u64, ByteStream)> {
    let model = participants::find_model(&app.db, &digest).await?;
    let model = model.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
    let bytes = model.bytes.cast_unsigned();
    Ok((bytes, app.blobs.stream(model.location, bytes)))
}
