//! The bytes of models.

use api::ProblemKind;
use kit::{Error, Result};
use names::ModelDigest;

use crate::{blobs::ByteStream, state::App, store::participants};

/// A model's bytes and their number.
pub(crate) async fn get(app: &App, digest: ModelDigest) -> Result<(u64, ByteStream)> {
    let model = participants::find_model(&app.db, &digest).await?;
    let model = model.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
    let bytes = model.bytes.cast_unsigned();
    Ok((bytes, app.blobs.stream(model.object_name, bytes)))
}
