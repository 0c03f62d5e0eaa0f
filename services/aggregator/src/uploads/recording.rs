//! Recording of a stored upload: its row, its receipt and its first job, in one transaction.

use api::ProblemKind;
use kit::{Error, Result, time::Timestamp, tx::run_tx};
use protocol::{Canonical, Receipt, Signature, Signed};
use sqlx::PgConnection;

use super::{admission::Duplicate, arriving::Proposal, digesting::check_body, storing::Stored};
use crate::store::{
    self,
    contributions::{self, ContributionRow, NewContribution},
    jobs::{self, Kind},
};

/// An upload whose contribution is recorded.
pub(crate) enum Recorded {
    /// This upload wrote the row.
    First(ContributionRow),
    /// An identical upload wrote the row earlier.
    Earlier(ContributionRow),
}

impl Duplicate<'_> {
    /// Reads the body to its end and checks it. The receipt is the one that is recorded.
    ///
    /// # Errors
    /// An abort when the body is not the one in the header.
    pub(crate) async fn confirm(self) -> Result<Recorded> {
        let Self { proposal, incoming, row, slot: _slot } = self;
        check_body(&proposal, incoming).await?;
        Ok(Recorded::Earlier(row))
    }
}

impl Stored<'_> {
    /// Writes row, event, job and receipt, unless an identical upload has done so meanwhile.
    ///
    /// # Errors
    /// An abort when the round does not take the contribution any more. Its object is gone then.
    pub(crate) async fn record(self) -> Result<Recorded> {
        let recorded = self.write_row().await;
        // After a fault the row may exist, since the answer to a commit may have been lost. Then
        // its object must exist too.
        if matches!(recorded, Ok(Recorded::Earlier(_)) | Err(Error::Abort(_))) {
            self.proposal.app.blobs.delete(&self.object_name).await?;
        }
        drop(self.slot);
        recorded
    }

    async fn write_row(&self) -> Result<Recorded> {
        let Proposal { app, prefix, .. } = &self.proposal;
        let (header, now) = (&prefix.header, app.now());
        let new = NewContribution {
            round_id: self.proposal.round_id(),
            header,
            header_hash: &header.hash(),
            header_bytes: &header.to_bytes(),
            sealed_seeds: &prefix.sealed.to_bytes(),
            proof: &prefix.proof,
            body_object_name: &self.object_name,
            chunk_digests: &self.digests.to_bytes(),
            receipt: &self.proposal.receipt(now).to_bytes(),
            received_at: now,
        };
        let recorded = run_tx(&app.db, "upload", async |mut tx| {
            let recorded = self.proposal.record_in(&mut tx, &new).await?;
            Ok((tx, recorded))
        });
        let recorded = recorded.await?;
        app.work.notify_one();
        Ok(recorded)
    }
}

impl Proposal<'_> {
    /// Admission is checked again, now that the round's row is locked.
    async fn record_in(&self, tx: &mut PgConnection, new: &NewContribution<'_>) -> Result<Recorded> {
        let round = store::rounds::lock(tx, new.round_id).await?;
        let round = round.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
        if let Some(row) = self.recorded(&mut *tx).await? {
            return Ok(Recorded::Earlier(row));
        }
        self.check_open(round.state.0)?;
        self.check_fresh(&mut *tx).await?;
        self.check_attempts(&mut *tx).await?;
        if !store::rounds::take_capacity(tx, new.round_id, self.demand(), new.received_at).await? {
            return Err(Error::abort(ProblemKind::RoundFull));
        }
        contributions::insert(tx, new).await?;
        let key = [self.contribution_id().to_string()];
        jobs::enqueue(tx, Kind::Verify, new.round_id, &key, new.received_at, new.received_at).await?;
        let row = self.recorded(tx).await?;
        row.map(Recorded::First).ok_or_else(|| Error::fault("a row just written is missing"))
    }

    fn receipt(&self, now: Timestamp) -> Receipt {
        Receipt {
            round_hash: *self.round.hash(),
            contribution_id: *self.contribution_id(),
            header_hash: self.prefix.header.hash(),
            received_at_ms: now.ms(),
            included_by_ms: now.ms().saturating_add_unsigned(self.app.record.inclusion_delay_ms),
            signature: Signature::BLANK,
        }
        .sign(&self.app.identity)
    }
}
