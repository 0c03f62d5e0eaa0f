//! Receiving a model that rounds start from.

use std::time::Duration;

use api::ProblemKind;
use axum::body::Body;
use bytes::Bytes;
use kit::{Error, Result, incoming::Incoming};
use names::ModelDigest;
use sha2::{Digest, Sha256};

use crate::{
    blobs::{Writing, object_names},
    state::App,
    store::participants::{self, ModelRow},
};

/// Stores a model while it arrives. Repeating the request changes nothing.
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
        return check(app, digest, incoming).await;
    }
    let object_name = object_names::model(digest);
    let mut writing = app.blobs.write(&object_name).await?;
    let bytes = match write(app, digest, incoming, &mut writing).await {
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

/// Reads the bytes to their end and writes them. Returns their number.
async fn write(
    app: &App,
    digest: &ModelDigest,
    incoming: &mut Incoming,
    writing: &mut Writing,
) -> Result<u64> {
    let mut digesting = Digesting::new(app);
    let mut parts = incoming.parts(app.blobs.part_bytes());
    while let Some(part) = parts.next().await? {
        digesting.count(&part)?;
        (digesting, ()) = futures::try_join!(digesting.push(part.clone()), writing.store_part(part))?;
    }
    digesting.finish(digest)
}

/// Reads the bytes of a model that is stored already to their end and checks them.
async fn check(app: &App, digest: &ModelDigest, incoming: &mut Incoming) -> Result<()> {
    let mut digesting = Digesting::new(app);
    let mut parts = incoming.parts(app.blobs.part_bytes());
    while let Some(part) = parts.next().await? {
        digesting.count(&part)?;
        digesting = digesting.push(part).await?;
    }
    digesting.finish(digest).map(drop)
}

/// The digest of the parts of a model so far, and their length.
struct Digesting<'a> {
    app: &'a App,
    sha256: Sha256,
    bytes: u64,
}

impl<'a> Digesting<'a> {
    fn new(app: &'a App) -> Self {
        Self { app, sha256: Sha256::new(), bytes: 0 }
    }

    /// Counts the next part, unless the model becomes too large.
    fn count(&mut self, part: &Bytes) -> Result<()> {
        self.bytes += part.len() as u64;
        if self.bytes > self.app.limits.max_model_bytes {
            return Err(Error::abort(ProblemKind::PayloadTooLarge));
        }
        Ok(())
    }

    /// Digests the next part.
    async fn push(self, part: Bytes) -> Result<Self> {
        let Self { app, sha256, bytes } = self;
        let sha256 = app.compute.run(move || sha256.chain_update(&part)).await?;
        Ok(Self { app, sha256, bytes })
    }

    /// The number of bytes, if their digest is the one in the path.
    fn finish(self, digest: &ModelDigest) -> Result<u64> {
        if self.bytes == 0 || ModelDigest::from_bytes(self.sha256.finalize().into()) != *digest {
            let rule = "the SHA-256 digest of the bytes, in the path";
            return Err(Error::abort(ProblemKind::DigestMismatch).field("digest", rule));
        }
        Ok(self.bytes)
    }
}
