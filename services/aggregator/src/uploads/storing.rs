//! Storing of an admitted upload's body.

use kit::Result;
use protocol::BodyDigests;

use super::{admission::Admitted, arriving::Proposal, digesting::write_body};
use crate::{blobs::object_names, slots::Slot};

/// An upload whose body is durable in the object store and has the digest that its header states.
/// The upload still holds its slot.
pub(crate) struct Stored<'a> {
    pub(super) proposal: Proposal<'a>,
    pub(super) object_name: String,
    pub(super) digests: BodyDigests,
    pub(super) slot: Slot<'a>,
}

impl<'a> Admitted<'a> {
    /// Reads the body to its end, digests it and stores it.
    ///
    /// # Errors
    /// An abort when the body is not the one in the header. After any error nothing of the object
    /// remains.
    pub(crate) async fn store(self) -> Result<Stored<'a>> {
        let Self { proposal, incoming, slot } = self;
        let object_name = object_names::new_body(proposal.round.hash(), &proposal.prefix.header);
        let mut writing = proposal.app.blobs.write(&object_name).await?;
        match write_body(&proposal, incoming, &mut writing).await {
            Ok(digests) => {
                writing.finish().await?;
                Ok(Stored { proposal, object_name, digests, slot })
            }
            Err(error) => {
                writing.abort().await;
                Err(error)
            }
        }
    }
}
