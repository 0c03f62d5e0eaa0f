//! The audit bundle, streamed. Its members are read in pages, so that memory does not grow with the
//! cohort.

use api::{
    Hex, HexBytes,
    bundle::{Bundle, BundleMember},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use kit::{Error, Result};
use names::RoundId;

use super::{kept, results, rounds};
use crate::{blobs::ByteStream, state::App, store::closing};

/// Members read at once.
const PAGE: i32 = 256;

/// The bundle as JSON text.
pub(crate) async fn stream(app: &App, round_id: RoundId) -> Result<ByteStream> {
    let published = results::published(app, round_id).await?;
    kept::check(app, &round_id).await?;
    let answers = closing::answers(&app.db, &round_id).await?;
    let frame = Bundle {
        version: 2,
        countersignatures: rounds::countersignatures(&published.round)?,
        aggregator_signature: Hex(published.round.aggregator_signature),
        aggregator_key: app.pins.aggregator,
        document: HexBytes(published.round.document),
        members: Vec::new(),
        answers: answers.into_iter().map(HexBytes).collect(),
        result: HexBytes(published.row.result),
    };
    let frame = serde_json::to_string(&frame).map_err(Error::fault)?;
    let (head, tail) = frame.split_once("\"members\":[]").expect("a bundle has members");
    let head = Bytes::from(format!("{head}\"members\":["));
    let tail = Bytes::from(format!("]{tail}"));
    let app = app.clone();
    let pages = stream::iter((0..published.row.count).step_by(PAGE as usize))
        .then(move |from| page(app.clone(), round_id, from));
    let once = |bytes| stream::once(async { Ok(bytes) });
    Ok(once(head).chain(pages).chain(once(tail)).boxed())
}

async fn page(app: App, round_id: RoundId, from: i32) -> Result<Bytes> {
    let members = closing::members(&app.db, &round_id, from, PAGE).await?;
    let attestations = closing::member_attestations(&app.db, &round_id, from, PAGE).await?;
    let mut attestations = attestations.into_iter().peekable();
    let mut text = Vec::new();
    for member in members {
        if member.index > 0 {
            text.push(b',');
        }
        let of_member = std::iter::from_fn(|| attestations.next_if(|(index, _)| *index == member.index));
        let member = BundleMember {
            contribution_id: member.contribution_id.0,
            attestations: of_member.map(|(_, attestation)| HexBytes(attestation)).collect(),
            header: HexBytes(member.header),
            proof: HexBytes(member.proof),
        };
        serde_json::to_writer(&mut text, &member).map_err(Error::fault)?;
    }
    Ok(text.into())
}
