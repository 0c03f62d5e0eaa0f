//! A participant: enrols, masks an update, uploads it.

use api::{
    Hex, HexBytes, contributions::ContributionView, participants::EnrolRequest, paths,
    payouts::ClaimAddressRequest,
};
use lattice::backend::cpu::CpuBackend;
use ledger::payout_tree::Address;
use masking::quantise;
use protocol::{
    Canonical, ClaimAddress, ContributionHeader, Credential, IdentityKey, MessagePrefix, Signature, Signed,
    Subject,
    roles::client::{Masking, sign_enrolment},
};
use rand::{RngCore, rngs::OsRng};
use reqwest::Method;

use crate::deployment::{Answer, Deployment, EPOCH, OpenRound};

/// Someone with a credential.
pub(crate) struct Participant {
    pub(crate) identity: IdentityKey,
    pub(crate) credential: Credential,
}

impl Participant {
    /// With a credential of the deployment's registrar; not enrolled.
    pub(crate) fn new(deployment: &Deployment, subject: &str, epoch: u32) -> Self {
        let identity = IdentityKey::generate(&mut OsRng);
        let subject = Subject::new(subject).unwrap();
        let credential = Credential::issue(&deployment.registrar, subject, identity.public(), epoch);
        Self { identity, credential }
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

    /// Where it wants to be paid.
    pub(crate) fn claim(&self, chain_id: u64, address: [u8; 20], sequence: u64) -> ClaimAddress {
        ClaimAddress {
            subject: self.credential.subject.clone(),
            address: Address::from_bytes(address),
            chain_id,
            sequence,
            signature: Signature::BLANK,
        }
        .sign(&self.identity)
    }

    /// An update whose coordinates are all `value`.
    pub(crate) fn contribute(&self, round: &OpenRound, value: f32, weight: u32) -> Message {
        let round = &round.verified;
        let update = vec![value; usize::try_from(round.constants().dimension).unwrap()];
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        let quantised = quantise(&update, weight, round.constants(), seed).unwrap();
        let backend = CpuBackend::new();
        let mut masking = Masking::begin(round, &backend, &self.identity.public(), &mut OsRng);
        let (mut body, mut chunk) = (Vec::new(), Vec::new());
        while masking.next_chunk(&quantised, &mut chunk).unwrap() {
            body.extend_from_slice(&chunk);
        }
        let masked = masking.finish().unwrap();
        let prefix = masked.sign(&self.credential, weight, &self.identity, &mut OsRng, |_, _| ()).unwrap();
        Message { prefix, body }
    }

    /// The same message with another header, signed again.
    pub(crate) fn amend(&self, message: &Message, change: impl FnOnce(&mut ContributionHeader)) -> Message {
        let mut amended = message.clone();
        change(&mut amended.prefix.header);
        amended.prefix.header = amended.prefix.header.sign(&self.identity);
        amended
    }

    /// The same message with a seed that does not open for this holder.
    pub(crate) fn spoil_seed(&self, message: &Message, holder: usize) -> Message {
        let mut spoilt = message.clone();
        spoilt.prefix.sealed.0[holder].0[79] ^= 1;
        let digest = spoilt.prefix.sealed.digest();
        self.amend(&spoilt, |header| header.sealed_digest = digest)
    }
}

/// A contribution's bytes, still in parts.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) prefix: MessagePrefix,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn id(&self) -> Hex<16> {
        Hex(self.prefix.header.contribution_id)
    }

    pub(crate) fn path(&self, round: &OpenRound) -> String {
        paths::fill(paths::CONTRIBUTION, &[&round.id, &self.id()])
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [self.prefix.to_bytes(), self.body.clone()].concat()
    }

    pub(crate) async fn put(&self, deployment: &Deployment, round: &OpenRound) -> Answer {
        deployment.put(&self.path(round), self.to_bytes()).await
    }

    /// Uploads what must be accepted.
    pub(crate) async fn upload(&self, deployment: &Deployment, round: &OpenRound) -> ContributionView {
        let answer = self.put(deployment, round).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn show(&self, deployment: &Deployment, round: &OpenRound) -> ContributionView {
        deployment.get(&self.path(round)).await.json()
    }
}

/// Sends where a participant wants to be paid.
pub(crate) async fn put_claim(deployment: &Deployment, subject: &str, claim: &ClaimAddress) -> Answer {
    let body = serde_json::to_vec(&ClaimAddressRequest { message: HexBytes(claim.to_bytes()) }).unwrap();
    let path = paths::fill(paths::CLAIM_ADDRESS, &[&subject]);
    deployment.send(Method::PUT, &path, None, body, "application/json").await
}
