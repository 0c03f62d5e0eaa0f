//! The peer: Prio3 with fixed-point vectors of bounded ℓ₂ norm. It uses 16 bits for each coordinate
//! and two aggregators, and runs on one thread.

use fixed::types::I1F15;
use prio::codec::Encode;
use prio::vdaf::prio3::Prio3FixedPointBoundedL2VecSum;
use prio::vdaf::{Aggregator, Client, PrepareTransition};

use crate::{Cost, timed};

const CONTEXT: &[u8] = b"peers";
const KEY: [u8; 32] = [1; 32];
const NONCE: [u8; 16] = [2; 16];

/// Makes one report: the client shards it, and both aggregators prepare it.
pub(crate) fn contribute(dimension: usize) -> Cost {
    let vdaf = Prio3FixedPointBoundedL2VecSum::<I1F15>::new_fixedpoint_boundedl2_vec_sum(2, dimension)
        .expect("the dimension is supported");
    let mut measurement = vec![I1F15::ZERO; dimension];
    measurement[0] = I1F15::from_num(0.5);
    let ((public, shares), client_ms) =
        timed(|| vdaf.shard(CONTEXT, &measurement, &NONCE).expect("the measurement is within the bound"));
    let encoded = |length: Option<usize>| length.expect("lengths are known");
    let bytes = encoded(public.encoded_len())
        + shares.iter().map(|share| encoded(share.encoded_len())).sum::<usize>();

    let ((), servers_ms) = timed(|| {
        let prepared: Vec<_> = (0..)
            .zip(&shares)
            .map(|(id, share)| {
                vdaf.prepare_init(&KEY, CONTEXT, id, &(), &NONCE, &public, share).expect("a valid share")
            })
            .collect();
        let (states, prepare_shares): (Vec<_>, Vec<_>) = prepared.into_iter().unzip();
        let message =
            vdaf.prepare_shares_to_prepare_message(CONTEXT, &(), prepare_shares).expect("an honest report");
        for state in states {
            let next = vdaf.prepare_next(CONTEXT, state, message.clone()).expect("an honest report");
            assert!(matches!(next, PrepareTransition::Finish(_)));
        }
    });
    Cost { client_ms, servers_ms, bytes }
}
