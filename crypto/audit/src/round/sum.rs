//! Compares the published sum with the sum of the bodies.

use lattice::CpuBackend;
use masking::{ChunkSum, unmask_chunk};
use protocol::{Refusal, SumDigester, chunk_digest, roles::aggregator::sum_key};

use crate::{AuditError, Finding, Place, Published, bundle::Bundle, finding::RoundFault};

/// Adds and unmasks the bodies chunk by chunk, and compares each chunk with the published one.
pub(super) fn check_sum<P: Published>(
    bundle: &Bundle,
    published: &mut P,
    backend: &CpuBackend,
    progress: &mut dyn FnMut(),
) -> Result<(), AuditError<P::Error>> {
    let key = sum_key(&bundle.round, &bundle.answers);
    let key = key.map_err(|refusal| Finding::new(Place::Answers, refusal))?;
    let constants = bundle.round.constants();
    let seed = &bundle.round.document().mask_seed;
    let mut digester = SumDigester::default();
    let (mut packed_offset, mut sum_offset, mut residual_max) = (0, 0, 0);
    for chunk in 0..constants.chunks() {
        let sum = add_chunk(bundle, chunk, packed_offset, published, backend)?;
        let unmasked = unmask_chunk(backend, constants, seed, &key, &sum)?;
        let bytes: Vec<u8> = unmasked.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let mut stated = vec![0; bytes.len()];
        let length = published.read_sum(sum_offset, &mut stated).map_err(AuditError::Source)?;
        if length != bytes.len() || stated != bytes {
            return Err(Finding::new(Place::SumChunk { chunk }, RoundFault::OtherSum).into());
        }
        digester.push(&chunk_digest(&bytes));
        residual_max = residual_max.max(unmasked.residual_max);
        packed_offset += constants.chunk_bytes(chunk) as u64;
        sum_offset += bytes.len() as u64;
        progress();
    }
    if published.read_sum(sum_offset, &mut [0]).map_err(AuditError::Source)? > 0 {
        return Err(Finding::new(Place::Sum, RoundFault::LongSum).into());
    }
    if digester.finish() != bundle.result.sum_digest || residual_max != bundle.result.residual_max {
        return Err(Finding::new(Place::Result, RoundFault::OtherDigest).into());
    }
    Ok(())
}

fn add_chunk<P: Published>(
    bundle: &Bundle,
    chunk: u64,
    offset: u64,
    published: &mut P,
    backend: &CpuBackend,
) -> Result<ChunkSum, AuditError<P::Error>> {
    let constants = bundle.round.constants();
    let mut sum = ChunkSum::new(constants, chunk)?;
    let mut packed = vec![0; constants.chunk_bytes(chunk)];
    for member in &bundle.members {
        let name = member.contribution_id;
        let length = published.read_body(name, offset, &mut packed).map_err(AuditError::Source)?;
        if length != packed.len() {
            // The body was whole when its digest was computed.
            let (expected, found) = (constants.body_bytes(), offset + length as u64);
            let refusal = Refusal::BodyLength { expected, found };
            return Err(Finding::new(Place::Contribution(name), refusal).into());
        }
        sum = sum.add(backend, constants, &[&packed])?;
    }
    Ok(sum)
}
