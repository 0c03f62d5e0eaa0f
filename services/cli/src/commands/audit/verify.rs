//! Recomputes a round from its bundle, bodies and sum, and names the first thing that is wrong.

use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use api::bundle::{Bundle, BundleMember};
use indicatif::ProgressBar;
use lattice::{CpuBackend, RING_DEGREE};
use masking::{ChunkSum, unmask_chunk};
use names::RoundHash;
use norm_proof::{GroupEquations, Verifying};
use protocol::{
    Attestation, BodyDigester, Canonical, ContributionHeader, Pins, Proof, Refusal, ReleaseAnswer,
    ReleaseRequest, RoundDocument, RoundResult, Signature, Signed, SignedDocument, VerifiedRound,
    body::{SumDigester, chunk_digest},
    roles::aggregator::{begin_proof, check_answer, check_attestation, refused_proof, sum_key},
};
use rand::rngs::OsRng;

use super::{
    round_record::{BundleFacts, Member},
    wrong,
};
use crate::error::{CommandError, Result};

/// Blocks of a body that are read at once.
const PIECE_BLOCKS: usize = 128;
/// Proofs whose group equations are checked together.
const BATCH: usize = 64;

/// What was checked.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) round_hash: RoundHash,
    pub(super) members: usize,
    pub(super) proofs: usize,
    pub(super) residual_max: u64,
}

/// The public record of a round, in a folder that `audit fetch` wrote.
pub(super) struct Audit {
    folder: PathBuf,
    backend: CpuBackend,
    round: VerifiedRound,
    members: Vec<BundleMember>,
    headers: Vec<ContributionHeader>,
    answers: Vec<ReleaseAnswer>,
    result: RoundResult,
    /// The members whose proofs are verified; all of them if there is no sample.
    sample: Option<BTreeSet<usize>>,
}

/// The keys that the document itself names: good enough to find inconsistencies, not to find out who published them.
pub(super) fn stated_pins(bundle: &Bundle) -> Result<Pins> {
    let document = RoundDocument::from_bytes(&bundle.document.0)
        .map_err(|error| wrong("round document", Refusal::malformed("round document")(error)))?;
    let mut keys = document.holders.iter().map(|holder| holder.identity_key);
    let aggregator = keys.next().ok_or(CommandError::Unexpected { what: "round document" })?;
    Ok(Pins { aggregator, combiners: keys.collect(), registrar: document.registrar_key })
}

impl Audit {
    /// Decodes the bundle and checks the document and its signatures under `pins`.
    pub(super) fn open(folder: &Path, bundle: Bundle, pins: &Pins) -> Result<Self> {
        let signed = SignedDocument {
            document: bundle.document.0,
            aggregator_signature: Signature(bundle.aggregator_signature.0),
            countersignatures: bundle.countersignatures.iter().map(|one| Signature(one.0)).collect(),
        };
        let round = signed.verify(pins).map_err(|refusal| wrong("round document", refusal))?;
        if bundle.aggregator_key != pins.aggregator {
            return Err(wrong("aggregator's key", "is not the document's"));
        }
        let header = |member: &BundleMember| decode(&name(member), &member.header.0, "contribution header");
        let headers = bundle.members.iter().map(header).collect::<Result<_>>()?;
        let answer = |(index, bytes): (usize, &api::HexBytes)| {
            decode(&format!("answer of holder {index}"), &bytes.0, "release answer")
        };
        let answers = bundle.answers.iter().enumerate().map(answer).collect::<Result<_>>()?;
        let result = decode("result", &bundle.result.0, "result")?;
        let (folder, backend) = (folder.to_owned(), CpuBackend::new());
        Ok(Self { folder, backend, round, members: bundle.members, headers, answers, result, sample: None })
    }

    /// Verifies the norm proofs of only so many members, drawn at random.
    pub(super) fn sample(&mut self, size: usize) {
        let members = self.members.len();
        self.sample =
            Some(rand::seq::index::sample(&mut OsRng, members, size.min(members)).into_iter().collect());
    }

    /// The smallest number of wrong proofs of which a random sample of this size has one with a probability of 99 %.
    pub(super) fn found_at_99_percent(&self, sample: usize) -> Option<usize> {
        found_at_99_percent(self.members.len(), sample)
    }

    /// Whether the round demands norm proofs.
    pub(super) fn demands_proofs(&self) -> bool {
        self.round.document().proof == Proof::NormV1
    }

    /// What the log has to agree with.
    pub(super) fn facts(&self) -> BundleFacts {
        let document = self.round.document();
        let member = |header: &ContributionHeader| Member {
            contribution_id: header.contribution_id,
            header_hash: header.hash(),
            subject: header.credential.subject.as_str().to_owned(),
            weight: header.weight,
        };
        BundleFacts {
            round_id: document.round_id,
            round_hash: *self.round.hash(),
            document: document.to_bytes(),
            root: self.result.root,
            terms: document.payout,
            min_reputation_ppm: document.min_reputation_ppm,
            members: self.headers.iter().map(member).collect(),
            answers: self.answers.iter().map(Canonical::to_bytes).collect(),
            result: self.result.to_bytes(),
        }
    }

    /// What the bar of [`run`](Self::run) ends with.
    pub(super) fn steps(&self) -> u64 {
        self.members.len() as u64 + self.round.constants().chunks()
    }

    /// Checks everything else. The bar moves by one for each member's body and each chunk of the sum.
    pub(super) fn run(&self, bar: &ProgressBar) -> Result<Verdict> {
        self.check_set()?;
        let proofs = self.check_bodies(bar)?;
        self.check_answers()?;
        self.check_sum(bar)?;
        Ok(Verdict {
            round_hash: *self.round.hash(),
            members: self.members.len(),
            proofs,
            residual_max: self.result.residual_max,
        })
    }

    /// Credentials, signatures and attestations of the members, each participant once; the root and the signed result.
    fn check_set(&self) -> Result<()> {
        let mut subjects = HashSet::new();
        for (member, header) in self.members.iter().zip(&self.headers) {
            let at = name(member);
            self.round.check_header(header).map_err(|refusal| wrong(&at, refusal))?;
            if header.contribution_id != member.contribution_id {
                return Err(wrong(&at, "its header names another contribution"));
            }
            if !subjects.insert(header.credential.subject.as_str()) {
                return Err(wrong(&at, "its participant is in the set already"));
            }
            self.check_attestations(&at, member, header)?;
        }
        let hashes: Vec<_> = self.headers.iter().map(ContributionHeader::hash).collect();
        let request = ReleaseRequest::over(*self.round.hash(), hashes.clone());
        if request.members != hashes {
            return Err(wrong("members", "are not in ascending order"));
        }
        let (result, weights) = (&self.result, self.headers.iter().map(|header| u64::from(header.weight)));
        let aggregator = self.round.document().holders[0].identity_key;
        result.verify(&aggregator).map_err(|refusal| wrong("result", refusal))?;
        let states = result.round_hash == *self.round.hash()
            && result.root == request.root
            && result.count as usize == self.members.len()
            && result.total_weight == weights.sum::<u64>();
        if states { Ok(()) } else { Err(wrong("result", "is not about these members")) }
    }

    fn check_attestations(&self, at: &str, member: &BundleMember, header: &ContributionHeader) -> Result<()> {
        if member.attestations.len() + 1 != usize::from(self.round.holders()) {
            return Err(wrong(at, "it is not attested by every combiner"));
        }
        for (holder, bytes) in (1..).zip(&member.attestations) {
            let attestation: Attestation = decode(at, &bytes.0, "attestation")?;
            check_attestation(&self.round, holder, header, &attestation)
                .map_err(|refusal| wrong(&format!("{at}, attestation of holder {holder}"), refusal))?;
        }
        Ok(())
    }

    /// The digest of every body and, where the round demands them, every proof, from the stored bytes; returns the number of proofs.
    fn check_bodies(&self, bar: &ProgressBar) -> Result<usize> {
        let demanded = self.demands_proofs();
        let (mut open, mut proofs) = (Vec::new(), 0);
        for (index, (member, header)) in self.members.iter().zip(&self.headers).enumerate() {
            let at = name(member);
            let drawn = self.sample.as_ref().is_none_or(|sample| sample.contains(&index));
            let verifying = match demanded && drawn {
                true => Some(begin_proof(&self.round, header, &member.proof.0).map_err(|r| wrong(&at, r))?),
                false => None,
            };
            if let Some(verifying) = self.read_body(&at, member, header, verifying)? {
                let equations = verifying.finish(&mut OsRng);
                open.push((at.clone(), equations.map_err(|error| refused(&at, &error))?));
                proofs += 1;
            }
            if open.len() == BATCH {
                check_openings(&mut open)?;
            }
            bar.inc(1);
        }
        check_openings(&mut open)?;
        Ok(proofs)
    }

    fn read_body(
        &self,
        at: &str,
        member: &BundleMember,
        header: &ContributionHeader,
        mut verifying: Option<Verifying>,
    ) -> Result<Option<Verifying>> {
        let (path, constants) = (self.body(member), self.round.constants());
        let mut file = File::open(&path).map_err(CommandError::file(&path))?;
        let mut digester = BodyDigester::new(constants);
        let mut piece = vec![0; constants.width().bytes(PIECE_BLOCKS * RING_DEGREE)];
        loop {
            let length = fill(&mut file, &mut piece).map_err(CommandError::file(&path))?;
            if length == 0 {
                break;
            }
            digester.push(&piece[..length]).map_err(|refusal| wrong(at, refusal))?;
            if let Some(verifying) = &mut verifying {
                verifying.read(&self.backend, &piece[..length]).map_err(|error| refused(at, &error))?;
            }
        }
        match digester.finish() {
            Ok(digest) if digest == header.body_digest => Ok(verifying),
            Ok(_) => Err(wrong(at, Refusal::Digest { of: "body" })),
            Err(refusal) => Err(wrong(at, refusal)),
        }
    }

    /// One answer a holder, each opening the sum of its commitments.
    fn check_answers(&self) -> Result<()> {
        if self.answers.len() != usize::from(self.round.holders()) {
            return Err(wrong("answers", "there is not one of every holder"));
        }
        for (holder, answer) in (0..).zip(&self.answers) {
            let at = format!("answer of holder {holder}");
            if answer.holder != holder {
                return Err(wrong(&at, "it is another holder's"));
            }
            check_answer(&self.round, &self.result.root, &self.headers, answer)
                .map_err(|refusal| wrong(&at, refusal))?;
        }
        Ok(())
    }

    /// The sum of the bodies, unmasked, chunk by chunk.
    fn check_sum(&self, bar: &ProgressBar) -> Result<()> {
        let (constants, key) = (self.round.constants(), sum_key(&self.answers));
        let (path, mut digester) = (self.folder.join("sum"), SumDigester::default());
        let mut stated = File::open(&path).map_err(CommandError::file(&path))?;
        let (mut start, mut residual_max) = (0, 0);
        for chunk in 0..constants.chunks() {
            let sum = self.add_chunk(chunk, start)?;
            let seed = &self.round.document().mask_seed;
            let unmasked = unmask_chunk(&self.backend, constants, seed, &key, &sum)?;
            let bytes: Vec<u8> = unmasked.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
            let mut published = vec![0; bytes.len()];
            let length = fill(&mut stated, &mut published).map_err(CommandError::file(&path))?;
            if length != bytes.len() || published != bytes {
                return Err(wrong(&format!("sum, chunk {chunk}"), "it is not the sum of the bodies"));
            }
            digester.push(&chunk_digest(&bytes));
            residual_max = residual_max.max(unmasked.residual_max);
            start += constants.chunk_bytes(chunk) as u64;
            bar.inc(1);
        }
        if fill(&mut stated, &mut [0]).map_err(CommandError::file(&path))? > 0 {
            return Err(wrong("sum", "it is longer than the round's dimension"));
        }
        if digester.finish() != self.result.sum_digest || residual_max != self.result.residual_max {
            return Err(wrong("result", "its digest or residual is not that of the sum"));
        }
        Ok(())
    }

    fn add_chunk(&self, chunk: u64, start: u64) -> Result<ChunkSum> {
        let constants = self.round.constants();
        let mut sum = ChunkSum::new(constants, chunk)?;
        let mut packed = vec![0; constants.chunk_bytes(chunk)];
        for member in &self.members {
            let path = self.body(member);
            let read = File::open(&path).and_then(|mut file| {
                file.seek(SeekFrom::Start(start))?;
                file.read_exact(&mut packed)
            });
            read.map_err(CommandError::file(&path))?;
            sum = sum.add(&self.backend, constants, &[&packed])?;
        }
        Ok(sum)
    }

    fn body(&self, member: &BundleMember) -> PathBuf {
        self.folder.join("bodies").join(member.contribution_id.to_string())
    }
}

/// The smallest number of wrong ones among `all` of which `sample`, drawn without putting back, contain one with a
/// probability of 99 %.
fn found_at_99_percent(all: usize, sample: usize) -> Option<usize> {
    let missed = |wrong: usize| -> f64 {
        (0..sample).map(|drawn| (all - drawn).saturating_sub(wrong) as f64 / (all - drawn) as f64).product()
    };
    let (mut low, mut high) = (1, all + 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if missed(middle) <= 0.01 { high = middle } else { low = middle + 1 }
    }
    (low <= all).then_some(low)
}

/// Checks the group equations that are left of some members' proofs.
pub(super) fn check_openings(open: &mut Vec<(String, GroupEquations)>) -> Result<()> {
    let (names, equations): (Vec<_>, Vec<_>) = open.drain(..).unzip();
    let verified = GroupEquations::verify_batch(&equations, &mut OsRng);
    names.iter().zip(verified).try_for_each(|(at, verified)| verified.map_err(|error| refused(at, &error)))
}

fn name(member: &BundleMember) -> String {
    format!("contribution {}", member.contribution_id)
}

fn decode<T: Canonical>(at: &str, bytes: &[u8], what: &'static str) -> Result<T> {
    T::from_bytes(bytes).map_err(|error| wrong(at, Refusal::malformed(what)(error)))
}

fn refused(at: &str, error: &norm_proof::NormProofError) -> CommandError {
    match refused_proof(error) {
        Some(refusal) => wrong(at, refusal),
        None => wrong(at, error.to_string()),
    }
}

/// Reads until the buffer is full or the file ends; returns how many bytes were read.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::found_at_99_percent;

    #[test]
    fn samples_say_what_they_would_have_found() {
        // A half of the proofs in the sample: k wrong ones are all outside with a probability near 2⁻ᵏ.
        assert_eq!(found_at_99_percent(1000, 500), Some(7));
        assert_eq!(found_at_99_percent(1000, 1000), Some(1));
        // 1 − (1 − f)⁴⁵⁹ = 0.99 for f = 1 %
        assert_eq!(found_at_99_percent(1_000_000, 459), Some(9_981));
        assert_eq!(found_at_99_percent(3, 1), Some(3));
        assert_eq!(found_at_99_percent(3, 0), None);
        assert_eq!(found_at_99_percent(0, 0), None);
    }
}
