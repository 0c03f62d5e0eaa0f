//! What every request works with, built once.

use std::{ops::Deref, sync::Arc};

use kit::{
    Error, Result,
    auth::BearerToken,
    clock::{Clock, SystemClock},
    compute::Compute,
    vault::KeyVault,
};
use protocol::{IdentityKey, roles::combiner::CombinerPolicy};
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::config::{Config, Limits};

/// A handle on the service's state.
#[derive(Clone)]
pub(crate) struct App(Arc<State>);

/// The service's state.
pub(crate) struct State {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) db: PgPool,
    pub(crate) vault: KeyVault,
    pub(crate) identity: IdentityKey,
    pub(crate) policy: CombinerPolicy,
    pub(crate) service_token: Arc<BearerToken>,
    pub(crate) compute: Compute,
    pub(crate) limits: Limits,
}

impl App {
    /// Builds the state from the configuration.
    ///
    /// # Errors
    /// A fault: a secret cannot be read, the database or the vault cannot be opened.
    pub(crate) async fn build(config: &Config) -> Result<Self> {
        config.check()?;
        Ok(Self(Arc::new(State {
            clock: Arc::new(SystemClock),
            db: kit::postgres::connect(&config.database).await?,
            vault: KeyVault::open(&config.vault)?,
            identity: IdentityKey::from_secret(&*config.identity_key.read_key("identity_key")?),
            policy: CombinerPolicy::from(&config.policy),
            service_token: Arc::new(config.service_token.read_token("service_token")?),
            compute: Compute::new(config.limits.compute_threads).map_err(Error::fault)?,
            limits: config.limits.clone(),
        })))
    }
}

impl State {
    /// The present time, in whole milliseconds.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let nanoseconds = i128::from(self.clock.now_ms()) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl Deref for App {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
