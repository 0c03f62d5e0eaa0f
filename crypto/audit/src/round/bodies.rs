//! Checks the body of every member against its digest, and its norm proof if the round demands one.

use std::collections::BTreeSet;

use lattice::{CpuBackend, RING_DEGREE};
use norm_proof::Verifying;
use protocol::{BodyDigester, ContributionHeader, Refusal, roles::aggregator::begin_proof};
use rand::{CryptoRng, RngCore};

use super::openings::{Openings, wrong_proof};
use crate::{
    AuditError, Finding, Place, Published,
    bundle::{Bundle, Member},
};

/// Blocks of a body that are read at once.
const BLOCKS_AT_ONCE: usize = 128;

/// Reads every body. Verifies the proofs of the members whose indices are in `drawn`. Returns the
/// number of those proofs.
pub(super) fn check_bodies<P: Published>(
    bundle: &Bundle,
    drawn: &BTreeSet<usize>,
    published: &mut P,
    backend: &CpuBackend,
    rng: &mut (impl CryptoRng + RngCore),
    progress: &mut dyn FnMut(),
) -> Result<usize, AuditError<P::Error>> {
    let mut openings = Openings::default();
    for (index, (member, header)) in bundle.members.iter().zip(&bundle.headers).enumerate() {
        let name = member.contribution_id;
        let mut verifying = match drawn.contains(&index) {
            true => Some(
                begin_proof(&bundle.round, header, &member.proof)
                    .map_err(|refusal| Finding::new(Place::Contribution(name), refusal))?,
            ),
            false => None,
        };
        read_body(bundle, member, header, verifying.as_mut(), published, backend)?;
        if let Some(verifying) = verifying {
            let equations = verifying.finish(rng).map_err(|error| wrong_proof(name, error))?;
            openings.push(name, equations, rng)?;
        }
        progress();
    }
    Ok(openings.finish(rng)?)
}

fn read_body<P: Published>(
    bundle: &Bundle,
    member: &Member,
    header: &ContributionHeader,
    mut verifying: Option<&mut Verifying>,
    published: &mut P,
    backend: &CpuBackend,
) -> Result<(), AuditError<P::Error>> {
    let (name, constants) = (member.contribution_id, bundle.round.constants());
    let refused = |refusal: Refusal| Finding::new(Place::Contribution(name), refusal);
    let mut digester = BodyDigester::new(constants);
    let mut piece = vec![0; constants.width().bytes(BLOCKS_AT_ONCE * RING_DEGREE)];
    let mut offset = 0;
    loop {
        let length = published.read_body(name, offset, &mut piece).map_err(AuditError::Source)?;
        if length == 0 {
            break;
        }
        offset += length as u64;
        digester.push(&piece[..length]).map_err(refused)?;
        if let Some(verifying) = &mut verifying {
            verifying.read(backend, &piece[..length]).map_err(|error| wrong_proof(name, error))?;
        }
    }
    match digester.finish() {
        Ok(digest) if digest == header.body_digest => Ok(()),
        Ok(_) => Err(refused(Refusal::Digest { of: "body" }).into()),
        Err(refusal) => Err(refused(refusal).into()),
    }
}
