//! The models that rounds start from.

use std::time::Duration;

use api::ProblemKind;
use axum::body::Body;
use bytes::BytesMut;
use kit::{Error, Result};
use names::ModelDigest;
use sha2::{Digest, Sha256};

use super::incoming::Incoming;
use crate::{
    blobs::{ByteStream, Writing},
    state::App,
    store::participants::{self, ModelRow},
};

/// Where a model's bytes are in the object store.
fn object_name(digest: &ModelDigest) -> String {
    format!("models/{digest}")
}

/// Stores a model as it streams by. Repeating it changes nothing.
pub(crate) async fn put(app: &App, digest: ModelDigest, body: Body) -> Result<()> {
    let mut incoming = Incoming::new(body, Duration::from_millis(app.limits.upload_idle_timeout_ms));
    let outcome = receive(app, &digest, &mut incoming).await;
    if matches!(outcome, Err(Error::Abort(_))) {
        incoming.drain().await;
    }
    outcome
}

async fn receive(app: &App, digest: &ModelDigest, incoming: &mut Incoming) -> Result<()> {
    if participants::find_model(&app.db, digest).await?.is_some() {
        return check(app, digest, incoming, None).await.map(drop);
    }
    let object_name = object_name(digest);
    let mut writing = app.blobs.write(&object_name).await?;
    let bytes = match check(app, digest, incoming, Some(&mut writing)).await {
        Ok(bytes) => bytes,
        Err(error) => {
            writing.abort().await;
            return Err(error);
        }
    };
    writing.finish().await?;
    let model = ModelRow { bytes: bytes.cast_signed(), object_name };
    participants::store_model(&app.db, digest, &model, app.now()).await?;
    Ok(())
}

/// Reads the bytes to their end, part by part, writes them if wanted, checks that they have the digest and returns their
/// number.
async fn check(
    app: &App,
    digest: &ModelDigest,
    incoming: &mut Incoming,
    mut writing: Option<&mut Writing>,
) -> Result<u64> {
    let (mut sha256, mut bytes) = (Sha256::new(), 0u64);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(app.blobs.part_bytes());
        let part = incoming.part(&mut buffer, app.blobs.part_bytes()).await?;
        if part.is_empty() {
            break;
        }
        bytes += part.len() as u64;
        if bytes > app.limits.max_model_bytes {
            return Err(Error::abort(ProblemKind::PayloadTooLarge));
        }
        let hashed = part.clone();
        let hashing = app.compute.run(move || sha256.chain_update(&hashed));
        let storing = async {
            match &mut writing {
                Some(writing) => writing.store_part(part).await,
                None => Ok(()),
            }
        };
        (sha256, ()) = futures::try_join!(hashing, storing)?;
    }
    if bytes == 0 || ModelDigest::from_bytes(sha256.finalize().into()) != *digest {
        let rule = "the SHA-256 digest of the bytes, in the path";
        return Err(Error::abort(ProblemKind::DigestMismatch).field("digest", rule));
    }
    Ok(bytes)
}

/// A model's bytes and their number.
pub(crate) async fn get(app: &App, digest: ModelDigest) -> Result<(u64, ByteStream)> {
    let model = participants::find_model(&app.db, &digest).await?;
    let model = model.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
    let bytes = model.bytes.cast_unsigned();
    Ok((bytes, app.blobs.stream(model.object_name, bytes)))
}
