"""The checks of one contribution's header and attestations (docs/wire-formats.md §6 to §8)."""

import hashlib

import messages
from bundle import Member
from codec import check_signature, labelled_hash, require
from document import Document
from messages import Header


def check_header(member: Member, document: Document, round_hash: bytes) -> Header:
    """Check that the header belongs to the round, and its credential, signature and weight.

    Also check the proof's kind, length and digest. The proof itself is not verified here.
    """
    name = member.name
    header = messages.decode_header(member.header, f"{name}: header")
    credential = header.credential
    require(header.round_hash == round_hash, f"{name}: the header is of another round")
    same_id = header.contribution_id == member.contribution_id
    require(same_id, f"{name}: the header has another contribution id")
    what = f"{name}: the credential's signature"
    check_signature(document.registrar_key, "credential", credential.unsigned, credential.signature, what)
    require(
        credential.epoch == document.credential_epoch, f"{name}: a credential of epoch {credential.epoch}"
    )
    what = f"{name}: the client's signature"
    check_signature(credential.client_key, "contribution", header.unsigned, header.signature, what)
    in_range = document.weight_min <= header.weight <= document.weight_max
    require(in_range, f"{name}: weight {header.weight} is not allowed")
    attested = header.weight <= credential.max_weight
    require(attested, f"{name}: weight {header.weight} is more than the credential's {credential.max_weight}")
    require(header.clip_step is None, f"{name}: the header has a clip step")
    require(header.trace_root is None, f"{name}: the header has a trace root")
    count = len(header.commitments)
    require(count == len(document.holders), f"{name}: {count} commitments")
    require(header.proof == document.proof, f"{name}: proof kind {header.proof}")
    require(header.proof_bytes == len(member.proof), f"{name}: the proof has {len(member.proof)} bytes")
    digest = hashlib.sha256(member.proof).digest()
    require(header.proof_digest == digest, f"{name}: the proof is not the one of the header")
    return header


def check_distinct(members: tuple[Member, ...], headers: list[Header]) -> None:
    """Check that no subject and no contribution id occurs twice."""
    subjects: set[str] = set()
    ids: set[bytes] = set()
    for member, header in zip(members, headers, strict=True):
        subject = header.credential.subject
        require(subject not in subjects, f"{member.name}: the subject {subject} occurs twice")
        require(member.contribution_id not in ids, f"{member.name}: the contribution id occurs twice")
        subjects.add(subject)
        ids.add(member.contribution_id)


def check_attestations(member: Member, header: Header, document: Document, round_hash: bytes) -> None:
    """Check that each combiner attested the share behind its commitment."""
    count = len(member.attestations)
    require(count == len(document.holders) - 1, f"{member.name}: {count} attestations")
    header_hash = labelled_hash("contribution-header", member.header)
    for h, encoded in enumerate(member.attestations, start=1):
        name = f"{member.name}: attestation of holder {h}"
        attestation = messages.decode_attestation(encoded, name)
        require(attestation.round_hash == round_hash, f"{name}: of another round")
        require(attestation.header_hash == header_hash, f"{name}: of another header")
        require(attestation.client_key == header.credential.client_key, f"{name}: of another client")
        require(attestation.holder == h, f"{name}: of holder {attestation.holder}")
        require(attestation.commitment == header.commitments[h], f"{name}: of another commitment")
        key, signature = document.holders[h].identity_key, attestation.signature
        check_signature(key, "attestation", attestation.unsigned, signature, f"{name}: the signature")
