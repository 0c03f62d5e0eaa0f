//! The terms on which the rounds of the demo pay, and the claim addresses of its clients.

use api::payouts::{Amount, PayoutPolicy, PayoutTerms, Token};
use client::Address;

use super::learner::Learner;
use crate::error::Result;

/// The pool of each round: a thousand tokens of eighteen decimals.
pub(super) const POOL: u128 = 1_000 * 10u128.pow(18);
/// The number of a chain for tests on developers' machines.
const CHAIN: u64 = 31_337;
/// The usual address of the first contract on such a chain.
const CONTRACT: &str = "0x5fbdb2315678afecb367f032d93f642f64180aa3";

/// The terms of each round. It pays by reputation, so a rejected contribution costs its participant
/// something later.
pub(super) fn terms() -> PayoutTerms {
    let token = Token { chain_id: CHAIN, contract: CONTRACT.to_owned() };
    PayoutTerms { policy: PayoutPolicy::ScoreReputation, pool: Amount(POOL), token: Some(token) }
}

/// Sends a claim address for every second client. The balances of the others wait.
pub(super) async fn claim_address(learner: &Learner) -> Result<()> {
    if learner.index.is_multiple_of(2) {
        let mut address = [0xb5; 20];
        address[16..].copy_from_slice(&(learner.index as u32 + 1).to_be_bytes());
        let address = Address::from_bytes(address);
        learner.client.claim_address(&learner.participant, address, CHAIN, 1).await?;
    }
    Ok(())
}
