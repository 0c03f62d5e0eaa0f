//! The contributions of clients that cheat.

use client::Participant;
use lattice::{MODULUS, expand::SecretStreamKey};
use masking::{Quantised, quantise};
use names::ContributionId;
use protocol::VerifiedRound;
use rand::{Rng, rngs::OsRng};

use super::{
    cast::Role,
    forgery::{Forgery, scaled},
};
use crate::error::{CommandError, Result};

/// The factor by which an inflated update is too long.
const INFLATION: i32 = 100;

/// A forged message, ready to send.
pub(super) struct Forged {
    pub(super) id: ContributionId,
    pub(super) message: Vec<u8>,
    /// The update that it adds to the sum, if it is accepted.
    pub(super) quantised: Vec<i32>,
}

/// Makes the message of a client with this role.
pub(super) fn forge(
    participant: &Participant,
    weight: u32,
    round: &VerifiedRound,
    update: &[f32],
    role: Role,
) -> Result<Forged> {
    let quantised = quantised(weight, round, update)?;
    let (padded, half) = (quantised.values().len(), (MODULUS / 2) as i64);
    let honest = scaled(round, &quantised, 1);
    let half_twice = || {
        let mut twice = vec![0; padded];
        twice[..2].fill(half);
        twice
    };
    let words = || (0..padded).map(|_| OsRng.gen_range(-half..=half)).collect();
    let tilted = || {
        let mut tilted = honest.clone();
        tilted[padded - 1] = 1 << (round.constants().scale_log2 - 1);
        tilted
    };
    let phi = match role {
        Role::Inflator => scaled(round, &quantised, INFLATION.into()),
        Role::NoiseMaker => words(),
        Role::Wrapper => half_twice(),
        Role::Tilter => tilted(),
        _ => honest.clone(),
    };
    let forgery = Forgery::mask(round, participant, weight, &phi)?;
    let proof = match role {
        Role::Copyist => forgery.prove_for(|statement| statement.client_key = [9; 32].into())?,
        Role::Anachronist => forgery.prove_for(|statement| statement.round_hash = [9; 32].into())?,
        Role::Locksmith => forgery.prove_unopened()?,
        Role::Tilter => forgery.prove()?,
        _ => forgery.prove_claiming(&honest)?,
    };
    let factor = if role == Role::Inflator { INFLATION } else { 1 };
    let (id, message) = forgery.message(proof);
    Ok(Forged { id, message, quantised: quantised.values().iter().map(|value| factor * value).collect() })
}

fn quantised(weight: u32, round: &VerifiedRound, update: &[f32]) -> Result<Quantised> {
    quantise(update, weight, round.constants(), SecretStreamKey::generate(&mut OsRng))
        .map_err(|_| CommandError::Unexpected { what: "update" })
}
