//! A round of three participants, an aggregator and two combiners, played in memory and published.

use audit::InMemory;
use lattice::CpuBackend;
use masking::{ChunkSum, unmask_chunk};
use names::{HeaderHash, SumDigest};
use protocol::{
    Canonical, ContributionHeader, Pins, Proof, ReleaseAnswer, SignedDocument, SumDigester, VerifiedRound,
    chunk_digest,
    roles::{
        aggregator::{publish, sum_key},
        combiner::{AttestedMember, answer, attest},
    },
    set_root,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use testbed::{EPOCH, Message, Participant, Parties};

/// The published data that an auditor gets.
#[derive(Clone)]
pub(crate) struct Publication {
    pub(crate) pins: Pins,
    pub(crate) bundle: Value,
    pub(crate) vectors: InMemory,
}

/// Plays a round that demands this proof.
pub(crate) fn publication(proof: Proof) -> Publication {
    let mut rng = StdRng::seed_from_u64(1);
    let parties = Parties::draw(2, &mut rng);
    let round = parties.round().draw(&mut rng).tensors(&[("weight", &[2, 2000]), ("bias", &[48])]);
    let (round, signed) = parties.sign(round.set(|document| document.proof = proof).document());
    let mut contribute = |subject| {
        let participant = Participant::new(&parties.registrar, subject, EPOCH, &mut rng);
        let update: Vec<f32> = (0..round.document().dimension).map(|_| rng.r#gen::<f32>() - 0.5).collect();
        participant.contribute(&round, &update, 2, &mut rng)
    };
    let mut set: Vec<Message> = ["alpha", "beta", "gamma"].map(&mut contribute).into();
    set.sort_by_key(|message| message.header().hash());
    publish_set(&parties, &round, signed, &set)
}

fn publish_set(
    parties: &Parties,
    round: &VerifiedRound,
    signed: SignedDocument,
    set: &[Message],
) -> Publication {
    let headers: Vec<ContributionHeader> = set.iter().map(|message| message.header().clone()).collect();
    let root = set_root(&headers.iter().map(ContributionHeader::hash).collect::<Vec<HeaderHash>>());
    let members: Vec<AttestedMember> = set.iter().map(Message::member).collect();
    let members: Vec<&AttestedMember> = members.iter().collect();
    let answers: Vec<ReleaseAnswer> = (0..)
        .zip(&parties.holders)
        .map(|(holder, (identity, key))| answer(round, &root, holder, key, &members, identity).unwrap())
        .collect();
    let (sum, sum_digest, residual_max) = unmask(round, &answers, set);
    let (aggregator, _) = &parties.holders[0];
    let result = publish(round, &root, &headers, sum_digest, residual_max, aggregator);
    let bundle = json!({
        "version": 2,
        "document": hex::encode(signed.document),
        "aggregator_key": aggregator.public(),
        "aggregator_signature": hex::encode(signed.aggregator_signature.0),
        "countersignatures": signed.countersignatures.iter().map(|one| hex::encode(one.0)).collect::<Vec<_>>(),
        "members": set.iter().map(|message| member(parties, round, message)).collect::<Vec<_>>(),
        "answers": answers.iter().map(|answer| hex::encode(answer.to_bytes())).collect::<Vec<_>>(),
        "result": hex::encode(result.to_bytes()),
    });
    let bodies = set.iter().map(|message| (message.header().contribution_id, message.body.clone())).collect();
    Publication { pins: parties.pins(), bundle, vectors: InMemory { bodies, sum } }
}

fn member(parties: &Parties, round: &VerifiedRound, message: &Message) -> Value {
    let attestations = (1..).zip(&parties.holders[1..]).map(|(holder, (identity, _))| {
        hex::encode(attest(round, holder, message.header(), identity).unwrap().to_bytes())
    });
    json!({
        "contribution_id": message.header().contribution_id,
        "header": hex::encode(message.header().to_bytes()),
        "proof": hex::encode(&message.prefix.proof),
        "attestations": attestations.collect::<Vec<_>>(),
    })
}

/// The sum's bytes, its digest and its residual.
fn unmask(round: &VerifiedRound, answers: &[ReleaseAnswer], set: &[Message]) -> (Vec<u8>, SumDigest, u64) {
    let (backend, constants) = (CpuBackend::new(), round.constants());
    let bodies: Vec<&[u8]> = set.iter().map(|message| &message.body[..]).collect();
    let sum = ChunkSum::new(constants, 0).unwrap().add(&backend, constants, &bodies).unwrap();
    let seed = &round.document().mask_seed;
    let unmasked = unmask_chunk(&backend, constants, seed, &sum_key(round, answers).unwrap(), &sum).unwrap();
    let bytes: Vec<u8> = unmasked.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
    let mut digester = SumDigester::default();
    digester.push(&chunk_digest(&bytes));
    (bytes, digester.finish(), unmasked.residual_max)
}
