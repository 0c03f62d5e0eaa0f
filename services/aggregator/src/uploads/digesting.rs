//! The body of an upload is read to its end and digested, part by part as it arrives.

use bytes::Bytes;
use kit::{Result, compute::Compute, incoming::Incoming};
use masking::RoundConstants;
use names::BodyDigest;
use protocol::{BodyDigester, BodyDigests, Refusal};

use super::arriving::Proposal;
use crate::blobs::Writing;

/// Reads and digests the body, and stores it in an object.
///
/// # Errors
/// An abort when it is not the body of the header.
pub(super) async fn write_body(
    proposal: &Proposal<'_>,
    incoming: &mut Incoming,
    object: &mut Writing,
) -> Result<BodyDigests> {
    let Proposal { app, round, prefix, .. } = proposal;
    let mut digesting = Digesting::new(&app.compute, round.constants());
    let mut parts = incoming.parts(app.blobs.part_bytes());
    while let Some(part) = parts.next().await? {
        let (digested, stored) = futures::join!(digesting.push(part.clone()), object.store_part(part));
        stored?;
        digesting = digested?;
    }
    digesting.finish(&prefix.header.body_digest)
}

/// Reads and digests the body of a contribution that is stored already.
///
/// # Errors
/// An abort when it is not the body of the header.
pub(super) async fn check_body(proposal: &Proposal<'_>, incoming: &mut Incoming) -> Result<()> {
    let Proposal { app, round, prefix, .. } = proposal;
    let mut digesting = Digesting::new(&app.compute, round.constants());
    let mut parts = incoming.parts(app.blobs.part_bytes());
    while let Some(part) = parts.next().await? {
        digesting = digesting.push(part).await?;
    }
    digesting.finish(&prefix.header.body_digest).map(drop)
}

/// The digest of a body so far. The pool of threads computes it.
struct Digesting<'a> {
    compute: &'a Compute,
    digester: BodyDigester,
}

impl<'a> Digesting<'a> {
    fn new(compute: &'a Compute, constants: &RoundConstants) -> Self {
        Self { compute, digester: BodyDigester::new(constants) }
    }

    /// Takes the next part.
    async fn push(self, part: Bytes) -> Result<Self> {
        let Self { compute, mut digester } = self;
        let digesting = compute.run(move || digester.push(&part).map(|()| digester));
        Ok(Self { compute, digester: digesting.await?? })
    }

    /// The digests of the whole body, if `expected` is the digest of it all.
    fn finish(self, expected: &BodyDigest) -> Result<BodyDigests> {
        let digests = self.digester.finish_chunks()?;
        if digests.body() == *expected { Ok(digests) } else { Err(Refusal::Digest { of: "body" }.into()) }
    }
}
