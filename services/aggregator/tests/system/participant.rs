//! A participant of a test, which sends its messages to a deployment.

use std::ops::{Deref, DerefMut};

use api::{
    Hex, HexBytes, contributions::ContributionView, participants::EnrolRequest, paths,
    payouts::ClaimAddressRequest,
};
use names::{ContributionId, PublicKey};
use protocol::{Canonical, ClaimAddress, ContributionHeader, roles::client::sign_enrolment};
use rand::rngs::OsRng;
use reqwest::Method;

use crate::deployment::{Answer, Deployment, EPOCH, OpenRound};

/// A subject with a key and a credential.
pub(crate) struct Participant {
    pub(crate) party: testbed::Participant,
    aggregator: PublicKey,
}

impl Participant {
    /// Makes a participant with a credential of the deployment's registrar. It is not enrolled.
    pub(crate) fn new(deployment: &Deployment, subject: &str, epoch: u32) -> Self {
        let party = testbed::Participant::new(&deployment.registrar, subject, epoch, &mut OsRng);
        Self { party, aggregator: deployment.pins.aggregator }
    }

    pub(crate) async fn enrolled(deployment: &Deployment, subject: &str) -> Self {
        let participant = Self::new(deployment, subject, EPOCH);
        let answer = participant.enrol(deployment).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        participant
    }

    pub(crate) async fn enrol(&self, deployment: &Deployment) -> Answer {
        let request = EnrolRequest {
            credential: HexBytes(self.credential.to_bytes()),
            signature: Hex(sign_enrolment(&self.credential, &self.identity).0),
        };
        deployment.post(paths::PARTICIPANTS, &request).await
    }

    /// Signs a claim address for the deployment's aggregator.
    pub(crate) fn claim_address(&self, chain_id: u64, address: [u8; 20], sequence: u64) -> ClaimAddress {
        self.party.claim_address(&self.aggregator, chain_id, address, sequence)
    }

    /// Makes a contribution whose update has the coordinate `value` everywhere.
    pub(crate) fn contribute(&self, round: &OpenRound, value: f32, weight: u32) -> Message {
        let round = &round.verified;
        let update = vec![value; usize::try_from(round.constants().dimension).unwrap()];
        Message(self.party.contribute(round, &update, weight, &mut OsRng))
    }

    /// Returns the same contribution with a changed header, which is signed again.
    pub(crate) fn amend(&self, message: &Message, change: impl FnOnce(&mut ContributionHeader)) -> Message {
        Message(self.party.amend(message, change))
    }

    /// Returns the same contribution with a seed that this holder cannot open.
    pub(crate) fn spoil_seed(&self, message: &Message, holder: usize) -> Message {
        Message(self.party.spoil_seed(message, holder))
    }
}

impl Deref for Participant {
    type Target = testbed::Participant;

    fn deref(&self) -> &Self::Target {
        &self.party
    }
}

impl DerefMut for Participant {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.party
    }
}

/// The header, seeds, proof and body of a contribution, ready to be sent.
#[derive(Clone)]
pub(crate) struct Message(testbed::Message);

impl Message {
    pub(crate) fn id(&self) -> ContributionId {
        self.header().contribution_id
    }

    pub(crate) fn path(&self, round: &OpenRound) -> String {
        paths::fill(paths::CONTRIBUTION, &[&round.id, &self.id()])
    }

    pub(crate) async fn put(&self, deployment: &Deployment, round: &OpenRound) -> Answer {
        deployment.put(&self.path(round), self.to_bytes()).await
    }

    /// Uploads a contribution that must be accepted.
    pub(crate) async fn upload(&self, deployment: &Deployment, round: &OpenRound) -> ContributionView {
        let answer = self.put(deployment, round).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn show(&self, deployment: &Deployment, round: &OpenRound) -> ContributionView {
        deployment.get(&self.path(round)).await.json()
    }
}

impl Deref for Message {
    type Target = testbed::Message;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Message {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// Sends a participant's claim address.
pub(crate) async fn put_claim(deployment: &Deployment, subject: &str, claim: &ClaimAddress) -> Answer {
    let body = serde_json::to_vec(&ClaimAddressRequest { message: HexBytes(claim.to_bytes()) }).unwrap();
    let path = paths::fill(paths::CLAIM_ADDRESS, &[&subject]);
    deployment.send(Method::PUT, &path, None, body, "application/json").await
}
