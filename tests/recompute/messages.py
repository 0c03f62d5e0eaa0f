"""Credentials, headers, attestations, answers and results (docs/wire-formats.md §6 to §9).

Each signed structure ends with its signature, over the encoding without it.
"""

import re
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import edwards
from codec import Reader
from document import PROOF_KINDS
from ring import N

_SIGNATURE = 64
_MAX_HEADER = 4096
_MAX_PROOF = 2**20


@dataclass(frozen=True)
class Signed:
    """The signed bytes of a structure, and the signature."""

    unsigned: bytes
    signature: bytes


@dataclass(frozen=True)
class Credential(Signed):
    """The registrar's signed statement about a client's key."""

    subject: str
    client_key: bytes
    group: str | None
    epoch: int
    max_weight: int


@dataclass(frozen=True)
class Header(Signed):
    """A contribution's header."""

    round_hash: bytes
    contribution_id: bytes
    credential: Credential
    weight: int
    clip_step: int | None
    trace_root: bytes | None
    body_digest: bytes
    commitments: tuple[bytes, ...]
    proof: int
    proof_bytes: int
    proof_digest: bytes


@dataclass(frozen=True)
class Attestation(Signed):
    """A combiner's signed statement that it holds the share that a commitment opens to."""

    round_hash: bytes
    header_hash: bytes
    client_key: bytes
    holder: int
    commitment: bytes


@dataclass(frozen=True)
class Answer(Signed):
    """A holder's sum of the key shares of the members."""

    round_hash: bytes
    root: bytes
    count: int
    holder: int
    key_sum: NDArray[np.int64]
    blinding_sum: int


@dataclass(frozen=True)
class Result(Signed):
    """The published result of a round."""

    round_hash: bytes
    root: bytes
    count: int
    total_weight: int
    sum_digest: bytes
    residual_max: int


@dataclass(frozen=True)
class ClaimAddress(Signed):
    """Where a participant wants to be paid by an aggregator."""

    aggregator_key: bytes
    subject: str
    address: bytes
    chain_id: int
    sequence: int


def _read_name(reader: Reader, what: str) -> str:
    length = reader.integer("B")
    reader.require(1 <= length <= 64, f"a {what} of {length} bytes")
    encoded = reader.take(length)
    reader.require(re.fullmatch(rb"[A-Za-z0-9._-]+", encoded) is not None, f"the {what} has other characters")
    reader.require(encoded not in (b".", b".."), f"the {what} would mean a folder in a path")
    return encoded.decode("ascii")


def _write_name(name: str) -> bytes:
    return bytes([len(name)]) + name.encode("ascii")


def encode_credential(subject: str, client_key: bytes, group: str | None, epoch: int, max_weight: int) -> bytes:
    """The bytes of a credential that the registrar signs (§6)."""
    encoded_group = b"\0" if group is None else b"\1" + _write_name(group)
    return _write_name(subject) + client_key + encoded_group + struct.pack("<II", epoch, max_weight)


def _read_credential(reader: Reader) -> Credential:
    subject, client_key = _read_name(reader, "subject"), reader.take(32)
    group = _read_name(reader, "group") if reader.present("group") else None
    epoch, max_weight = reader.integer("I"), reader.integer("I")
    reader.require(1 <= max_weight <= 2**20, f"a largest weight of {max_weight}")
    unsigned = encode_credential(subject, client_key, group, epoch, max_weight)
    return Credential(unsigned, reader.take(_SIGNATURE), subject, client_key, group, epoch, max_weight)


def decode_header(data: bytes, name: str) -> Header:
    """Decode a contribution's header (§7)."""
    reader = Reader(data, name)
    reader.require(len(data) <= _MAX_HEADER, f"longer than {_MAX_HEADER} bytes")
    reader.start(b"BSCH")
    round_hash, contribution_id = reader.take(32), reader.take(16)
    credential = _read_credential(reader)
    weight = reader.integer("I")
    clip_step = reader.integer("B") if reader.present("clip_step") else None
    trace_root = reader.take(32) if reader.present("trace_root") else None
    body_digest = reader.take(32)
    commitments = tuple(reader.take(32) for _ in range(reader.integer("B")))
    reader.take(32)  # the digest of the sealed seeds, which the bundle does not have
    proof, proof_bytes, proof_digest = reader.integer("B"), reader.integer("I"), reader.take(32)
    reader.require(proof in PROOF_KINDS, f"unknown proof kind {proof}")
    reader.require(proof_bytes <= (_MAX_PROOF if proof else 0), f"a proof of {proof_bytes} bytes")
    signature = reader.take(_SIGNATURE)
    reader.end()
    return Header(
        data[:-_SIGNATURE], signature, round_hash, contribution_id, credential, weight,
        clip_step, trace_root, body_digest, commitments, proof, proof_bytes, proof_digest,
    )  # fmt: skip


def decode_attestation(data: bytes, name: str) -> Attestation:
    """Decode an attestation (§8)."""
    reader = Reader(data, name)
    reader.start(b"BSAT")
    round_hash, header_hash, client_key = reader.take(32), reader.take(32), reader.take(32)
    holder, commitment = reader.integer("B"), reader.take(32)
    signature = reader.take(_SIGNATURE)
    reader.end()
    return Attestation(data[:-_SIGNATURE], signature, round_hash, header_hash, client_key, holder, commitment)


def decode_answer(data: bytes, name: str) -> Answer:
    """Decode a release answer (§9)."""
    reader = Reader(data, name)
    reader.start(b"BSRA")
    round_hash, root, count, holder = (
        reader.take(32),
        reader.take(32),
        reader.integer("I"),
        reader.integer("B"),
    )
    key_sum = np.frombuffer(reader.take(4 * N), dtype="<i4").astype(np.int64)
    blinding_sum = int.from_bytes(reader.take(32), "little")
    reader.require(blinding_sum < edwards.ORDER, "the blinding sum is not canonical")
    signature = reader.take(_SIGNATURE)
    reader.end()
    return Answer(data[:-_SIGNATURE], signature, round_hash, root, count, holder, key_sum, blinding_sum)


def decode_result(data: bytes) -> Result:
    """Decode the result (§9)."""
    reader = Reader(data, "result")
    reader.start(b"BSRS")
    round_hash, root, count, total_weight = (
        reader.take(32), reader.take(32), reader.integer("I"), reader.integer("Q"),
    )  # fmt: skip
    sum_digest, residual_max = reader.take(32), reader.integer("Q")
    signature = reader.take(_SIGNATURE)
    reader.end()
    return Result(
        data[:-_SIGNATURE], signature, round_hash, root, count, total_weight, sum_digest, residual_max
    )


def decode_claim_address(data: bytes, name: str) -> ClaimAddress:
    """Decode a claim address (§12)."""
    reader = Reader(data, name)
    reader.start(b"BSCA")
    aggregator_key, subject, address = reader.take(32), _read_name(reader, "subject"), reader.take(20)
    chain_id, sequence = reader.integer("Q"), reader.integer("Q")
    reader.require(any(address), "the zero address")
    reader.require(1 <= chain_id < 2**63, f"chain {chain_id}")
    signature = reader.take(_SIGNATURE)
    reader.end()
    return ClaimAddress(
        data[:-_SIGNATURE], signature, aggregator_key, subject, address, chain_id, sequence
    )
