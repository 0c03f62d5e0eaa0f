//! The requests of clients that misbehave, and the answers to them.

use std::time::Duration;

use api::{Problem, contributions::ContributionView, paths};
use client::{Client, Participant, ignore_progress};
use names::ContributionId;
use protocol::{
    Canonical, Credential, IdentityKey, MessagePrefix, PrefixLength, Receipt, Signed, VerifiedRound,
};
use rand::{RngCore, rngs::OsRng};
use reqwest::{StatusCode, header::CONTENT_TYPE};

use crate::error::{CommandError, Result};

/// The wait before a retry when the aggregator is at its limit.
const PAUSE: Duration = Duration::from_millis(100);

/// A misdeed and the answer to it.
pub(super) struct Refused {
    pub(super) misdeed: &'static str,
    /// Code of the problem, or the status if there is none.
    pub(super) reason: String,
}

/// Sends requests that the SDK would not make.
pub(super) struct Misdeeds {
    pub(super) http: reqwest::Client,
    pub(super) aggregator_url: String,
}

impl Misdeeds {
    /// Sends garbage of the right length, a garbled header, and a body with one flipped bit.
    pub(super) async fn vandalise(&self, round: &VerifiedRound, message: &[u8]) -> Result<Vec<Refused>> {
        let prefix = prefix(message)?;
        let (header_start, header_end) = (4, 4 + prefix.header.to_bytes().len());
        let mut garbage = message.to_vec();
        OsRng.fill_bytes(&mut garbage);
        let mut garbled = message.to_vec();
        OsRng.fill_bytes(&mut garbled[header_start..header_end]);
        let mut flipped = message.to_vec();
        let middle = (prefix.to_bytes().len() + message.len()) / 2;
        flipped[middle] ^= 1;
        let id = prefix.header.contribution_id;
        Ok(vec![
            self.refused("garbage of the right length", round, id, garbage).await?,
            self.refused("a garbled header", round, id, garbled).await?,
            self.refused("a flipped bit in the body", round, id, flipped).await?,
        ])
    }

    /// Sends the message of the client again under a new id. Then sends its message of an earlier
    /// round.
    pub(super) async fn replay(
        &self,
        round: &VerifiedRound,
        own: Option<(ContributionId, Vec<u8>)>,
        earlier: Option<(ContributionId, Vec<u8>)>,
    ) -> Result<Vec<Refused>> {
        let mut refused = Vec::new();
        if let Some((_, message)) = own {
            let new_id = ContributionId::from_bytes(rand::random());
            refused.push(self.refused("its own bytes under a new name", round, new_id, message).await?);
        }
        if let Some((id, message)) = earlier {
            refused.push(self.refused("its bytes of an earlier round", round, id, message).await?);
        }
        Ok(refused)
    }

    /// Sends a contribution in the name of the client, with a credential that another key signed.
    pub(super) async fn impersonate(
        &self,
        round: &VerifiedRound,
        (client, participant): (&Client, &Participant),
        weight: u32,
        update: &[f32],
    ) -> Result<Vec<Refused>> {
        let identity = IdentityKey::generate(&mut OsRng);
        let forger = IdentityKey::generate(&mut OsRng);
        let Credential { subject, epoch, .. } = participant.credential.clone();
        let credential = Credential::issue(&forger, subject, identity.public(), epoch);
        let impostor = Participant { identity, credential };
        let prepared = client.prepare(round, &impostor, update, weight, ignore_progress()).await?;
        let (id, message) = (prepared.contribution_id(), prepared.message()?);
        Ok(vec![self.refused("a key that the registrar never saw", round, id, message).await?])
    }

    /// Sends a contribution whose sealed seeds are swapped between the holders. Everything else is
    /// right, so nobody notices until the holders open them.
    pub(super) async fn sabotage(
        &self,
        round: &VerifiedRound,
        message: &[u8],
        participant: &Participant,
    ) -> Result<()> {
        let mut spoiled = prefix(message)?;
        let body = &message[spoiled.to_bytes().len()..];
        spoiled.sealed.0.reverse();
        spoiled.header.sealed_digest = spoiled.sealed.digest();
        spoiled.header = spoiled.header.sign(&participant.identity);
        let message = [&spoiled.to_bytes(), body].concat();
        self.submit(round, spoiled.header.contribution_id, message).await.map(drop)
    }

    /// Sends a well-formed message. The aggregator stores it, and only its verification can find a
    /// fault.
    pub(super) async fn submit(
        &self,
        round: &VerifiedRound,
        id: ContributionId,
        message: Vec<u8>,
    ) -> Result<Receipt> {
        let response = self.put(round, id, message).await?;
        if !response.status().is_success() {
            return Err(CommandError::Demo("a well-formed contribution was refused before it was verified"));
        }
        let unexpected = CommandError::Unexpected { what: "receipt" };
        let Ok(view) = response.json::<ContributionView>().await else { return Err(unexpected) };
        Receipt::from_bytes(&view.receipt.0).map_err(|_| unexpected)
    }

    /// Sends a message that the aggregator must refuse.
    async fn refused(
        &self,
        misdeed: &'static str,
        round: &VerifiedRound,
        id: ContributionId,
        message: Vec<u8>,
    ) -> Result<Refused> {
        let response = self.put(round, id, message).await?;
        if response.status().is_success() {
            return Err(CommandError::Demo("the aggregator stored what it should have refused"));
        }
        let status = response.status().as_u16();
        let problem: Option<Problem> = response.json().await.ok();
        let kind = problem.and_then(|problem| problem.kind());
        let reason = kind.map_or_else(|| format!("status {status}"), |kind| kind.code().to_owned());
        Ok(Refused { misdeed, reason })
    }

    /// Sends a message. Repeats it while the aggregator is at its limit.
    async fn put(
        &self,
        round: &VerifiedRound,
        id: ContributionId,
        message: Vec<u8>,
    ) -> Result<reqwest::Response> {
        let path = paths::fill(paths::CONTRIBUTION, &[&round.document().round_id, &id]);
        let url = format!("{}{path}", self.aggregator_url);
        let failed = |error: reqwest::Error| CommandError::Program {
            program: "an upload",
            message: error.to_string(),
        };
        loop {
            let request = self.http.put(&url).header(CONTENT_TYPE, "application/octet-stream");
            let response = request.body(message.clone()).send().await.map_err(failed)?;
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                return Ok(response);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn prefix(message: &[u8]) -> Result<MessagePrefix> {
    let refused = CommandError::refused("message");
    match MessagePrefix::length(message).map_err(&refused)? {
        PrefixLength::Exactly(length) => MessagePrefix::from_bytes(&message[..length]).map_err(&refused),
        PrefixLength::AtLeast(_) => Err(CommandError::Unexpected { what: "message" }),
    }
}
