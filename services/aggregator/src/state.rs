//! The state that all requests and jobs share. It is built once.

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::extract::FromRef;
use kit::{
    Error, Result,
    auth::BearerToken,
    compute::Compute,
    time::{Clock, Timestamp},
    vault::KeyVault,
};
use lattice::SummingBackend;
use ledger::note::Signer;
use protocol::{IdentityKey, Pins};
use sqlx::PgPool;
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::{
    backend,
    batches::HandedOver,
    blobs::Blobs,
    combiners::Combiner,
    config::{Config, JobsConfig, Limits, RecordConfig},
    schema::SCHEMA,
    slots::Slots,
};

/// A handle on the service's state. A clone is cheap.
#[derive(Clone)]
pub(crate) struct App(Arc<State>);

/// The service's state: connections, keys, limits.
pub(crate) struct State {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
    pub(crate) blobs: Blobs,
    pub(crate) vault: KeyVault,
    pub(crate) identity: IdentityKey,
    pub(crate) combiners: Vec<Combiner>,
    /// The public keys of this aggregator, of the combiners and of the registrar, as configured.
    pub(crate) pins: Pins,
    pub(crate) admin_token: Arc<BearerToken>,
    pub(crate) compute: Compute,
    pub(crate) backend: Arc<dyn SummingBackend>,
    pub(crate) slots: Slots,
    /// One permit, so that one job at a time holds buffers of a whole chunk.
    pub(crate) chunk_buffers: Semaphore,
    /// Wakes a worker that waits for jobs.
    pub(crate) work: Notify,
    pub(crate) limits: Limits,
    pub(crate) jobs: JobsConfig,
    pub(crate) settle_ms: i64,
    pub(crate) record: RecordConfig,
    /// Signs checkpoints, under the log's name.
    pub(crate) log_signer: Signer,
    /// The batch of payouts that was requested last.
    pub(crate) last_batch: Mutex<Option<Arc<HandedOver>>>,
    /// The longest time that an upload may take.
    pub(crate) longest_upload: Duration,
    /// The observed time at this process's last heartbeat.
    pub(crate) observed: Mutex<Option<i64>>,
}

impl App {
    /// Builds the state from the configuration.
    ///
    /// # Errors
    /// A fault if a secret cannot be read, if the database or a directory cannot be opened, or if
    /// the database lacks migrations.
    pub(crate) async fn build(config: &Config, clock: Clock) -> Result<Self> {
        config.check()?;
        let identity = IdentityKey::from_secret(&config.identity_key.read_key("identity_key")?);
        let origin = config.record.origin.clone();
        let origin = origin.unwrap_or_else(|| format!("blindsum/{}", identity.public()));
        let log_signer = Signer::new(&origin, &identity.secret()).map_err(Error::fault)?;
        let mut combiners = Vec::new();
        for (holder, combiner) in (1..).zip(&config.combiners) {
            let token = config.service_token.read_token("service_token")?;
            combiners.push(Combiner::new(holder, combiner, token, &config.limits)?);
        }
        let pins = Pins {
            aggregator: identity.public(),
            combiners: combiners.iter().map(|combiner| combiner.identity_key).collect(),
            registrar: config.registrar_key,
        };
        let db = kit::postgres::connect(&config.database).await?;
        SCHEMA.check(&db).await?;
        let milliseconds = |value: u64| i64::try_from(value).unwrap_or(i64::MAX / 4);
        Ok(Self(Arc::new(State {
            db,
            clock,
            blobs: Blobs::open(&config.blobs)?,
            vault: KeyVault::open(&config.vault)?,
            identity,
            combiners,
            pins,
            admin_token: Arc::new(config.admin_token.read_token("admin_token")?),
            compute: Compute::new(config.compute.threads).map_err(Error::fault)?,
            backend: backend::choose(&config.compute)?,
            slots: Slots::new(
                config.limits.concurrent_uploads,
                config.limits.waiting_uploads,
                Duration::from_millis(config.limits.upload_wait_ms),
            ),
            chunk_buffers: Semaphore::new(1),
            work: Notify::new(),
            limits: config.limits.clone(),
            jobs: config.jobs.clone(),
            settle_ms: milliseconds(config.settle_ms),
            record: config.record.clone(),
            log_signer,
            last_batch: Mutex::new(None),
            longest_upload: Duration::from_millis(config.listen.upload_timeout_ms),
            observed: Mutex::new(None),
        })))
    }
}

impl State {
    /// The present time by the wall clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Deref for App {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl FromRef<App> for Arc<BearerToken> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.admin_token)
    }
}
