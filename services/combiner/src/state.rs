//! The state that all requests share. It is built once.

use std::{ops::Deref, sync::Arc};

use kit::{
    Error, Result,
    auth::BearerToken,
    compute::Compute,
    time::{Clock, Timestamp},
    vault::KeyVault,
};
use protocol::{
    IdentityKey,
    roles::{combiner::CombinerPolicy, company::CompanyLimits},
};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::{
    SCHEMA,
    admission::Admission,
    config::{Config, Limits},
};

/// A handle on the service's state. A clone is cheap.
#[derive(Clone)]
pub(crate) struct App(Arc<State>);

/// The service's state: connections, keys, limits.
pub(crate) struct State {
    pub(crate) db: PgPool,
    pub(crate) vault: KeyVault,
    pub(crate) identity: IdentityKey,
    pub(crate) policy: CombinerPolicy,
    /// How much of its company a set may lack.
    pub(crate) company: CompanyLimits,
    pub(crate) service_token: Arc<BearerToken>,
    pub(crate) receipts: Admission,
    /// One contribution at a time is checked for a refused proof.
    pub(crate) refused_proofs: Semaphore,
    pub(crate) compute: Compute,
    pub(crate) limits: Limits,
    /// The most open rounds of one registrar with one layout.
    pub(crate) open_rounds_for_a_layout: i64,
    pub(crate) clock: Clock,
}

impl App {
    /// Builds the state from the configuration.
    ///
    /// # Errors
    /// A fault if a secret cannot be read, if the database or the vault cannot be opened, or if the
    /// database lacks migrations.
    pub(crate) async fn build(config: &Config, clock: Clock) -> Result<Self> {
        config.check()?;
        let db = kit::postgres::connect(&config.database).await?;
        SCHEMA.check(&db).await?;
        Ok(Self(Arc::new(State {
            db,
            vault: KeyVault::open(&config.vault)?,
            identity: IdentityKey::from_secret(&config.identity_key.read_key("identity_key")?),
            policy: CombinerPolicy::from(&config.policy),
            company: CompanyLimits::from(&config.policy),
            receipts: Admission::new(config.limits.receipts_per_second),
            refused_proofs: Semaphore::new(1),
            service_token: Arc::new(config.service_token.read_token("service_token")?),
            compute: Compute::new(config.limits.compute_threads).map_err(Error::fault)?,
            limits: config.limits.clone(),
            open_rounds_for_a_layout: config.policy.open_rounds_for_a_layout.into(),
            clock,
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
