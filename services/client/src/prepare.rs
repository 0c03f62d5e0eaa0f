//! Preparing: from an update to a finished message in the outbox.

use std::{
    fmt,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use lattice::MaskingBackend;
use masking::Quantised;
use names::{ContributionId, UpdateDigest};
use protocol::{
    Credential, IdentityKey, MessagePrefix, VerifiedRound,
    roles::client::{Attempt, Masked, Offer, SigningError},
};
use rand::rngs::OsRng;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use crate::{
    Client, ClientError, Participant, Phase, Progress, ProgressFn,
    outbox::{Message, Outbox},
    sent_updates::{Owner, digest},
};

/// How often a contribution is made before the client gives up. An honest one needs a second try
/// with probability below 2⁻³².
const TRIES: u32 = 3;

/// A contribution that is masked, signed and on disk, but not delivered yet.
pub struct Prepared {
    /// The quantised update and the time that each step took.
    pub preparation: Preparation,
    pub(crate) message: Message,
}

/// The quantised update and the time that each step took.
#[derive(Debug)]
pub struct Preparation {
    /// The integers that were masked. They are as secret as the update.
    pub quantised: Quantised,
    /// Time spent clipping and rounding.
    pub quantise_time: Duration,
    /// Time spent masking and writing to disk.
    pub mask_time: Duration,
    /// Time spent sealing, proving the norm if the round demands it, and signing.
    pub prove_time: Duration,
}

impl Prepared {
    /// The id of the contribution.
    pub fn contribution_id(&self) -> ContributionId {
        self.message.header.contribution_id
    }

    /// Length of the message, prefix and body.
    pub fn bytes(&self) -> u64 {
        self.message.bytes()
    }

    /// Reads the whole message from disk, as it is sent.
    ///
    /// # Errors
    /// [`ClientError::State`] when a file of the message cannot be read.
    pub fn message(&self) -> Result<Vec<u8>, ClientError> {
        self.message.to_bytes()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({}, {} bytes)", self.contribution_id(), self.bytes())
    }
}

impl Client {
    /// Clips, rounds, masks and signs an update, and writes the finished message to the outbox.
    ///
    /// The contribution counts as `weight · update`. The work is done on the threads of this
    /// client, not on the threads of the runtime.
    ///
    /// From the moment when the message is in the outbox, the update belongs to this round and is
    /// sent in no other. A preparation that fails, or whose future is dropped, leaves it free. If
    /// the update belongs to an earlier round that ended without a release, the combiners'
    /// statements about that round are fetched, and free it.
    ///
    /// # Errors
    /// Those of [`check_floors`](Self::check_floors), [`ClientError::Epoch`],
    /// [`ClientError::UpdateLength`], [`ClientError::Weight`], [`ClientError::AlreadySent`],
    /// [`ClientError::Quantise`], [`ClientError::Mask`], [`ClientError::Prove`],
    /// [`ClientError::TooLong`], [`ClientError::State`].
    pub async fn prepare(
        &self,
        round: &VerifiedRound,
        participant: &Participant,
        update: &[f32],
        weight: u32,
        progress: ProgressFn,
    ) -> Result<Prepared, ClientError> {
        self.check_floors(round)?;
        check(round, &participant.credential, update, weight)?;
        let update: Arc<[f32]> = update.into();
        let (digest, lifted) = self.lift(round, &update).await?;
        let job = Job {
            round: round.clone(),
            identity: IdentityKey::from_secret(&participant.identity.secret()),
            credential: participant.credential.clone(),
            update,
            digest,
            lifted,
            weight,
            progress,
        };
        let given_up = CancellationToken::new();
        let _guard = given_up.clone().drop_guard();
        let (pool, backend, outbox) = (self.pool.clone(), self.backend.clone(), self.outbox.clone());
        let work = move || pool.install(|| job.run(&*backend, &outbox, &given_up));
        let prepared = tokio::task::spawn_blocking(work).await;
        let prepared = prepared.expect("masking neither panics nor is cancelled")?;
        Ok(prepared.expect("only a caller that is gone gives up"))
    }
}

impl Client {
    /// Returns the digest of an update, and the other round to which it belonged until now. That
    /// round must have ended without a release.
    async fn lift(
        &self,
        round: &VerifiedRound,
        update: &Arc<[f32]>,
    ) -> Result<(UpdateDigest, Option<Owner>), ClientError> {
        let (outbox, update) = (self.outbox.clone(), Arc::clone(update));
        let looked_up = tokio::task::spawn_blocking(move || {
            let digest = digest(&update);
            Ok::<_, ClientError>((digest, outbox.owner(&digest)?))
        });
        let (digest, owner) = looked_up.await.expect("hashing neither panics nor is cancelled")?;
        match owner.filter(|owner| owner.round_hash != *round.hash()) {
            Some(owner) if self.is_unreleased(owner).await? => Ok((digest, Some(owner))),
            Some(owner) => Err(owner.into()),
            None => Ok((digest, None)),
        }
    }
}

fn check(
    round: &VerifiedRound,
    credential: &Credential,
    update: &[f32],
    weight: u32,
) -> Result<(), ClientError> {
    let document = round.document();
    if credential.epoch != document.credential_epoch {
        let (round, credential) = (document.credential_epoch, credential.epoch);
        return Err(ClientError::Epoch { round, credential });
    }
    if update.len() as u64 != document.dimension {
        return Err(ClientError::UpdateLength { expected: document.dimension, found: update.len() as u64 });
    }
    let (min, max) = (document.weight_min, document.weight_max);
    if !(min..=max).contains(&weight) {
        return Err(ClientError::Weight { weight, min, max });
    }
    Ok(())
}

/// A contribution that is not in the outbox yet: how it was made, its prefix and its body.
type Made = (Preparation, MessagePrefix, NamedTempFile);

struct Job {
    round: VerifiedRound,
    identity: IdentityKey,
    credential: Credential,
    update: Arc<[f32]>,
    digest: UpdateDigest,
    /// The round from which the update is lifted.
    lifted: Option<Owner>,
    weight: u32,
    progress: ProgressFn,
}

impl Job {
    /// Makes the contribution and puts it into the outbox. If its projection is too long for a
    /// proof, it is dropped before anything has left this function, and another one is made from
    /// the update under another number. Nothing random in it is that of the one before.
    ///
    /// Returns `None` if the caller gave up before the message was in the outbox.
    fn run(
        self,
        backend: &dyn MaskingBackend,
        outbox: &Outbox,
        given_up: &CancellationToken,
    ) -> Result<Option<Prepared>, ClientError> {
        for number in 0..TRIES {
            let Some((preparation, prefix, body)) = self.make(number, backend, outbox)? else { continue };
            if given_up.is_cancelled() {
                return Ok(None);
            }
            let message = outbox.put(&self.round, &self.digest, prefix, body, self.lifted)?;
            return Ok(Some(Prepared { preparation, message }));
        }
        Err(ClientError::TooLong { tries: TRIES })
    }

    /// Makes one contribution, attempt `number`. `None` when its projection is too long for a
    /// proof.
    fn make(
        &self,
        number: u32,
        backend: &dyn MaskingBackend,
        outbox: &Outbox,
    ) -> Result<Option<Made>, ClientError> {
        let start = Instant::now();
        let attempt = self.attempt(number);
        let quantised = self.quantise(&attempt)?;
        let quantise_time = start.elapsed();

        let start = Instant::now();
        let mut body = outbox.draft()?;
        let masked = self.mask(backend, attempt, &quantised, &mut body)?;
        let mask_time = start.elapsed();

        let start = Instant::now();
        let Some(prefix) = self.sign(masked)? else {
            return Ok(None);
        };
        let prove_time = start.elapsed();
        let preparation = Preparation { quantised, quantise_time, mask_time, prove_time };
        Ok(Some((preparation, prefix, body)))
    }

    /// Attempt `number` at this contribution. Everything random in it follows from one secret.
    fn attempt(&self, number: u32) -> Attempt<'_> {
        let Self { round, identity, credential, update, weight, .. } = self;
        let offer = Offer { round, identity, credential, update, weight: *weight };
        Attempt::new(offer, number, &mut OsRng)
    }

    fn quantise(&self, attempt: &Attempt<'_>) -> Result<Quantised, ClientError> {
        self.report(Phase::Quantising, 0, 1);
        let quantised = attempt.quantise().map_err(|source| ClientError::Quantise { source })?;
        self.report(Phase::Quantising, 1, 1);
        Ok(quantised)
    }

    /// Writes the body chunk by chunk.
    fn mask<'a>(
        &'a self,
        backend: &'a dyn MaskingBackend,
        attempt: Attempt<'a>,
        quantised: &'a Quantised,
        body: &mut NamedTempFile,
    ) -> Result<Masked<'a>, ClientError> {
        let total = self.round.constants().chunks();
        let mut masking = attempt.mask(backend, quantised);
        let mut chunk = Vec::new();
        let mut done = 0;
        while masking.next_chunk(&mut chunk).map_err(|source| ClientError::Mask { source })? {
            body.write_all(&chunk).map_err(ClientError::state(body.path()))?;
            done += 1;
            self.report(Phase::Masking, done, total);
        }
        masking.finish().map_err(ClientError::refused("round document"))
    }

    /// Makes the prefix: header, sealed seeds, and the proof if the round demands one. `None` when
    /// the projection is too long for a proof.
    fn sign(&self, masked: Masked<'_>) -> Result<Option<MessagePrefix>, ClientError> {
        let progress = |done, total| self.report(Phase::Proving, done, total);
        match masked.sign(progress) {
            Ok(prefix) => Ok(Some(prefix)),
            Err(SigningError::TooLong) => Ok(None),
            Err(SigningError::Round(refusal)) => Err(ClientError::refused("round document")(refusal)),
            Err(source) => Err(ClientError::Prove { source }),
        }
    }

    fn report(&self, phase: Phase, done: u64, total: u64) {
        (self.progress)(Progress { phase, done, total });
    }
}
