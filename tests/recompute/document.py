"""The round document (docs/wire-formats.md §5)."""

import math
import struct
from dataclasses import dataclass

import constants
import xwing
from codec import Reader, write_text

PROOF_KINDS = (0, 2)  # none, norm-v2


@dataclass(frozen=True)
class Tensor:
    """One tensor of the update."""

    name: str
    shape: tuple[int, ...]
    offset: int
    scale: float | None = None


@dataclass(frozen=True)
class Holder:
    """One holder. The first holder is the aggregator."""

    identity_key: bytes
    hpke_key_id: bytes
    hpke_public_key: bytes


@dataclass(frozen=True)
class Payout:
    """The payment of the round: the policy, the pool, and the token's chain id and contract."""

    policy: int
    pool: int
    token: tuple[int, bytes] | None


@dataclass(frozen=True)
class Section:
    """A section with a version of its own: scoring, noise or evaluations."""

    version: int
    content: bytes


@dataclass(frozen=True)
class Document:
    """The fields of a round document, in their order."""

    round_id: bytes
    model_digest: bytes
    model_bytes: int
    model_location: str
    tensors: tuple[Tensor, ...]
    dimension: int
    max_contributions: int
    min_cohort: int
    min_effective: int
    max_total_weight: int
    norm_bound: int
    scale_log2: int
    transport_bits: int
    noisy_norm_bound: int
    clip: float
    scale: float
    weight_min: int
    weight_max: int
    normalise_floor: float | None
    mask_seed: bytes
    opens_at: int
    earliest_close: int
    closes_at: int
    attest_by: int
    release_by: int
    registrar_key: bytes
    credential_epoch: int
    holders: tuple[Holder, ...]
    colluding: int
    absent: int
    proof: int
    max_attempts: int
    scoring: Section | None
    payout: Payout | None
    min_reputation: int
    noise: Section | None
    evaluations: Section | None

    def request(self) -> constants.Request:
        """The numbers from which the constants are derived."""
        return constants.Request(
            self.dimension, self.max_contributions, self.norm_bound, self.clip, self.weight_min,
            self.weight_max, self.max_total_weight,
        )  # fmt: skip

    @property
    def padded_dimension(self) -> int:
        """d'."""
        return constants.padded_dimension(self.dimension)

    @property
    def word_bits(self) -> int:
        """w."""
        return 64 - self.transport_bits


def _read_tensor(reader: Reader) -> Tensor:
    name = reader.text("a tensor's name", 256)
    rank = reader.integer("B")
    reader.require(rank <= 8, f"tensor {name!r} has rank {rank}")
    shape = tuple(reader.integer("I") for _ in range(rank))
    offset = reader.integer("Q")
    return Tensor(name, shape, offset, reader.f64() if reader.present("a tensor's scale") else None)


def _read_section(reader: Reader) -> Section | None:
    version = reader.integer("B")
    if version == 0:
        return None
    length = reader.integer("I")
    reader.require(length <= 2**16, f"a section of {length} bytes")
    return Section(version, reader.take(length))


def _write_section(section: Section | None) -> bytes:
    if section is None:
        return b"\0"
    return struct.pack("<BI", section.version, len(section.content)) + section.content


def _write_optional(value: float | None) -> bytes:
    return b"\0" if value is None else b"\1" + struct.pack("<d", value)


def _read_payout(reader: Reader) -> Payout | None:
    policy = reader.integer("B")
    if policy == 0:
        return None
    pool, token = int.from_bytes(reader.take(16), "little"), reader.integer("B")
    reader.require(token in (0, 1), f"unknown kind of token {token}")
    return Payout(policy, pool, (reader.integer("Q"), reader.take(20)) if token else None)


def _check_payout(reader: Reader, payout: Payout) -> None:
    reader.require(payout.policy in (1, 2, 3), f"unknown payout policy {payout.policy}")
    reader.require(1 <= payout.pool < 1 << 96, "the pool is not from 1 to 2^96 - 1")
    if payout.token is not None:
        chain_id, contract = payout.token
        reader.require(1 <= chain_id < 2**63, "the token's chain is not in 1..2^63-1")
        reader.require(contract != bytes(20), "the token's contract is zero")


def _write_payout(payout: Payout | None) -> bytes:
    if payout is None:
        return b"\0"
    encoded = bytes([payout.policy]) + payout.pool.to_bytes(16, "little")
    if payout.token is None:
        return encoded + b"\0"
    chain_id, contract = payout.token
    return encoded + b"\1" + struct.pack("<Q", chain_id) + contract


def _check_absent(reader: Reader, d: Document) -> None:
    """Check that the fields are absent that this version gives no meaning."""
    for tensor in d.tensors:
        reader.require(tensor.scale is None, f"tensor {tensor.name!r} has a scale")
    reader.require(d.normalise_floor is None, "updates are normalised")
    for name in ("scoring", "noise", "evaluations"):
        section = getattr(d, name)
        reader.require(section is None, f"{name} has version {section and section.version}")


def _check(reader: Reader, d: Document) -> None:
    """Check the rules that §4 and §5 state beside the fields."""
    size = 0
    for tensor in d.tensors:
        reader.require(tensor.offset == size, f"tensor {tensor.name!r} does not follow the one before it")
        size += math.prod(tensor.shape)
    reader.require(d.dimension == size, "the dimension is not the sum of the tensors' sizes")
    request = d.request()
    error = constants.range_error(request)
    reader.require(error is None, error or "")
    reader.require(2 <= d.min_cohort <= d.max_contributions, "min_cohort is not in 2..max_contributions")
    derived = constants.derive(request)
    if derived is None:
        reader.fail("no scale and transport width fit the round")
    reader.require(d.scale_log2 == derived.scale_log2, f"scale_log2 should be {derived.scale_log2}")
    reader.require(
        d.transport_bits == derived.transport_bits, f"transport_bits should be {derived.transport_bits}"
    )
    reader.require(
        d.noisy_norm_bound == derived.noisy_norm_bound,
        f"noisy_norm_bound should be {derived.noisy_norm_bound}",
    )
    reader.require(d.scale == derived.scale, f"scale should be {derived.scale!r}")
    reader.require(1 <= d.min_effective <= d.min_cohort, "min_effective is not in 1..min_cohort")
    in_order = d.opens_at <= d.earliest_close <= d.closes_at <= d.attest_by <= d.release_by
    reader.require(in_order, "the times are not in order")
    tolerance = (len(d.holders) - 2, 0)
    reader.require((d.colluding, d.absent) == tolerance, f"the tolerance should be {tolerance}")
    _check_absent(reader, d)
    for h, holder in enumerate(d.holders):
        reader.require(xwing.is_reduced(holder.hpke_public_key), f"the ML-KEM key of holder {h} is not reduced")
        reader.require(
            not xwing.is_small_order(holder.hpke_public_key[-32:]),
            f"the X25519 key of holder {h} is of small order",
        )
    reader.require(d.proof in PROOF_KINDS, f"unknown proof kind {d.proof}")
    reader.require(1 <= d.max_attempts <= 8, "max_attempts is not in 1..8")
    if d.payout is not None:
        _check_payout(reader, d.payout)
    reader.require(d.min_reputation <= 10**6, "min_reputation is more than a million")


def decode(data: bytes) -> Document:
    """Decode a document. Check its rules, and that it encodes to the same bytes again."""
    reader = Reader(data, "document")
    reader.start(b"BSRD")
    round_id, model_digest, model_bytes = reader.take(16), reader.take(32), reader.integer("Q")
    location = reader.text("model_location", 512)
    tensors = tuple(_read_tensor(reader) for _ in range(reader.integer("H")))
    dimension, max_contributions, min_cohort = (reader.integer(form) for form in "QII")
    min_effective, max_total_weight, norm_bound = (reader.integer(form) for form in "IQQ")
    scale_log2, transport_bits, noisy_norm_bound = (reader.integer(form) for form in "BBQ")
    clip, scale = reader.f64(), reader.f64()
    weight_min, weight_max = reader.integer("I"), reader.integer("I")
    normalise_floor = reader.f64() if reader.present("normalise") else None
    mask_seed = reader.take(32)
    opens_at, earliest_close, closes_at, attest_by, release_by = (reader.integer("q") for _ in range(5))
    registrar_key, credential_epoch = reader.take(32), reader.integer("I")
    holder_count = reader.integer("B")
    reader.require(2 <= holder_count <= 8, f"{holder_count} share holders")
    holders = tuple(Holder(reader.take(32), reader.take(16), reader.take(1216)) for _ in range(holder_count))
    colluding, absent, proof, max_attempts = (reader.integer("B") for _ in range(4))
    scoring, payout = _read_section(reader), _read_payout(reader)
    min_reputation, noise, evaluations = reader.integer("I"), _read_section(reader), _read_section(reader)
    reader.end()
    document = Document(
        round_id, model_digest, model_bytes, location, tensors,
        dimension, max_contributions, min_cohort, min_effective, max_total_weight, norm_bound,
        scale_log2, transport_bits, noisy_norm_bound, clip, scale,
        weight_min, weight_max, normalise_floor, mask_seed,
        opens_at, earliest_close, closes_at, attest_by, release_by,
        registrar_key, credential_epoch, holders, colluding, absent,
        proof, max_attempts, scoring, payout, min_reputation, noise, evaluations,
    )  # fmt: skip
    _check(reader, document)
    reader.require(encode(document) == data, "does not encode back to the same bytes")
    return document


def encode(d: Document) -> bytes:
    """The bytes of a document."""
    tensors = b"".join(
        write_text(tensor.name)
        + struct.pack(f"<B{len(tensor.shape)}IQ", len(tensor.shape), *tensor.shape, tensor.offset)
        + _write_optional(tensor.scale)
        for tensor in d.tensors
    )
    return b"".join([
        b"BSRD", struct.pack("<H", 2), d.round_id, d.model_digest,
        struct.pack("<Q", d.model_bytes), write_text(d.model_location),
        struct.pack("<H", len(d.tensors)), tensors,
        struct.pack("<QII", d.dimension, d.max_contributions, d.min_cohort),
        struct.pack("<IQQ", d.min_effective, d.max_total_weight, d.norm_bound),
        struct.pack("<BBQdd", d.scale_log2, d.transport_bits, d.noisy_norm_bound, d.clip, d.scale),
        struct.pack("<II", d.weight_min, d.weight_max), _write_optional(d.normalise_floor), d.mask_seed,
        struct.pack("<qqqqq", d.opens_at, d.earliest_close, d.closes_at, d.attest_by, d.release_by),
        d.registrar_key, struct.pack("<IB", d.credential_epoch, len(d.holders)),
        *(holder.identity_key + holder.hpke_key_id + holder.hpke_public_key for holder in d.holders),
        bytes([d.colluding, d.absent, d.proof, d.max_attempts]),
        _write_section(d.scoring), _write_payout(d.payout),
        struct.pack("<I", d.min_reputation), _write_section(d.noise), _write_section(d.evaluations),
    ])  # fmt: skip
