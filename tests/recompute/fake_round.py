"""A small round made in Python, for the tests: clients, holders, aggregator, and signing code.

Packing, the expected sum and the expected residuals are computed with Python integers from the
plaintexts, not with the code under test.
"""

import hashlib
import json
import random
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import commitments
import constants
import document as documents
import edwards
import ring
import ristretto255
import xwing
from bodies import body_digest, sum_digest
from codec import labelled, labelled_hash, merkle_root
from ed25519 import BASE, encode_point
from messages import encode_credential
from ring import N, Q


def _secret_scalar(secret: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little") & ~7 & (2**254 - 1) | 2**254
    return scalar, digest[32:]


def public_key(secret: bytes) -> bytes:
    """RFC 8032 §5.1.5."""
    return encode_point(edwards.multiply(_secret_scalar(secret)[0], BASE))


def sign_raw(secret: bytes, message: bytes) -> bytes:
    """RFC 8032 §5.1.6."""
    scalar, prefix = _secret_scalar(secret)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % edwards.ORDER
    encoded_r = encode_point(edwards.multiply(r, BASE))
    hashed = hashlib.sha512(encoded_r + public_key(secret) + message).digest()
    s = (r + int.from_bytes(hashed, "little") * scalar) % edwards.ORDER
    return encoded_r + s.to_bytes(32, "little")


def secret(name: str) -> bytes:
    """A signing key for a role of the round."""
    return hashlib.sha256(name.encode()).digest()


def sign(name: str, label: str, message: bytes) -> bytes:
    """Sign(key of that name, label, message)."""
    return sign_raw(secret(name), labelled(label, message))


def signed(name: str, label: str, unsigned: bytes) -> bytes:
    """A structure that ends with its signature."""
    return unsigned + sign(name, label, unsigned)


def pack(words: list[int], word_bits: int) -> bytes:
    """§7: groups of 64 words, from the least significant bit."""
    groups = [words[start : start + 64] for start in range(0, len(words), 64)]
    packed = (sum(word << i * word_bits for i, word in enumerate(group)) for group in groups)
    return b"".join(group.to_bytes(8 * word_bits, "little") for group in packed)


@dataclass
class Contribution:
    """Everything that one client knows and sends."""

    subject: str
    client: str
    contribution_id: bytes
    weight: int
    keys: list[list[int]]
    blindings: list[int]
    words: list[int]
    plain: list[int]
    residuals: list[int]
    proof_kind: int
    proof: bytes
    commitments: list[bytes]
    group: str | None = None
    epoch: int = 3
    max_weight: int = 100
    optional: bytes = b"\0\0"
    round_hash: bytes = b""
    registrar: str = "registrar"


class FakeRound:
    """A round to be changed before publish() signs everything that follows from it."""

    def __init__(
        self, contributions: int = 3, holders: int = 3, proof: int = 0, norm_bound: int = 2**24
    ) -> None:
        self._random = random.Random(1)
        dimension, clip, n_max = 3000, 1.5, 5
        request = constants.Request(dimension, n_max, norm_bound, clip, 1, 100, n_max * 100)
        derived = constants.derive(request)
        assert derived is not None
        first = documents.Tensor("embedding", (dimension // 2, 1), 0)
        second = documents.Tensor("biais é", (dimension - dimension // 2,), dimension // 2)
        self.document = documents.Document(
            self._random.randbytes(16), self._random.randbytes(32), 12345, "model.bin", (first, second),
            dimension, n_max, 2, 1, n_max * 100, norm_bound, derived.scale_log2, derived.transport_bits,
            derived.noisy_norm_bound, clip, derived.scale, 1, 100, None, self._random.randbytes(32),
            1000, 2000, 3000, 4000, 5000, public_key(secret("registrar")), 3,
            tuple(self._holder(h) for h in range(holders)), holders - 2, 0, proof, 2, None,
            documents.Payout(2, 10**21, (1, b"\xc0" * 20)), 250_000, None, None,
        )  # fmt: skip
        self.contributions = [self._contribution(i) for i in range(contributions)]

    def _holder(self, h: int) -> documents.Holder:
        key = public_key(secret(f"holder {h}"))
        return documents.Holder(key, self._random.randbytes(16), xwing.public_key(self._random.randbytes(32)))

    def _contribution(self, index: int) -> Contribution:
        document, chance = self.document, self._random
        size, delta, tau = document.padded_dimension, document.scale_log2, document.transport_bits
        keys = [
            [chance.getrandbits(32).bit_count() - chance.getrandbits(32).bit_count() for _ in range(N)]
            for _ in document.holders
        ]
        blindings = [chance.randrange(edwards.ORDER) for _ in document.holders]
        plain = [chance.randint(-20, 20) if i < document.dimension else 0 for i in range(size)]
        errors = [chance.randint(-(2**17), 2**17) for _ in range(size)]
        key = ring.evaluate(ring.from_signed(np.sum(np.array(keys, dtype=np.int64), axis=0)))
        masks = ring.mask_polynomials(document.mask_seed, 0, size // N)
        masked = ring.interpolate(ring.multiply(masks, key)).reshape(-1).tolist()
        noisy = [(m + e + (x << delta)) % Q for m, e, x in zip(masked, errors, plain, strict=True)]
        words = [(b + 2 ** (tau - 1)) >> tau for b in noisy]
        residuals = [e + (v << tau) - b for e, v, b in zip(errors, words, noisy, strict=True)]
        proof = chance.randbytes(40) if document.proof else b""
        encoded = [
            ristretto255.encode(commitments.commit(coefficients, blinding))
            for coefficients, blinding in zip(keys, blindings, strict=True)
        ]
        return Contribution(
            f"client-{index}", f"client {index}", chance.randbytes(16), 10 + index, keys, blindings, words,
            plain, residuals, document.proof, proof, encoded,
        )  # fmt: skip

    def _header(self, c: Contribution, body: bytes, round_hash: bytes) -> bytes:
        client_key = public_key(secret(c.client))
        credential = encode_credential(c.subject, client_key, c.group, c.epoch, c.max_weight)
        unsigned = b"".join([
            b"BSCH", struct.pack("<H", 2), c.round_hash or round_hash, c.contribution_id,
            signed(c.registrar, "credential", credential), struct.pack("<I", c.weight), c.optional,
            body_digest(body, self.document.word_bits),
            bytes([len(c.commitments)]), *c.commitments, bytes(32),
            struct.pack("<BI", c.proof_kind, len(c.proof)), hashlib.sha256(c.proof).digest(),
        ])  # fmt: skip
        return signed(c.client, "contribution", unsigned)

    def publish(self) -> "Published":
        """Everything that follows from the document and the contributions."""
        encoded = documents.encode(self.document)
        round_hash = labelled_hash("round", encoded)
        count = len(self.contributions)
        made = []
        for contribution in self.contributions:
            body = pack(contribution.words, self.document.word_bits)
            header = self._header(contribution, body, round_hash)
            made.append((labelled_hash("contribution-header", header), header, body, contribution))
        made.sort(key=lambda entry: entry[0])
        root = merkle_root([entry[0] for entry in made])
        combiners = range(1, len(self.document.holders))
        members = []
        for header_hash, header, _, c in made:
            attested = round_hash + header_hash + public_key(secret(c.client))
            attestations = [
                signed(
                    f"holder {h}", "attestation", b"BSAT\2\0" + attested + bytes([h]) + c.commitments[h]
                ).hex()
                for h in combiners
            ]
            entry = {
                "contribution_id": c.contribution_id.hex(),
                "header": header.hex(),
                "proof": c.proof.hex(),
            }
            members.append(entry | {"attestations": attestations})
        common = round_hash + root + struct.pack("<I", count)
        answers = []
        for h in range(len(self.document.holders)):
            key_sum = [sum(values) for values in zip(*(c.keys[h] for c in self.contributions), strict=True)]
            blinding = sum(c.blindings[h] for c in self.contributions) % edwards.ORDER
            opening = struct.pack(f"<{N}i", *key_sum) + blinding.to_bytes(32, "little")
            unsigned = b"BSRA\2\0" + common + bytes([h]) + opening
            answers.append(signed(f"holder {h}", "release-answer", unsigned).hex())
        sums = [sum(values) for values in zip(*(c.plain for c in self.contributions), strict=True)]
        residuals = [sum(values) for values in zip(*(c.residuals for c in self.contributions), strict=True)]
        sum_bytes = struct.pack(f"<{len(sums)}q", *sums)
        total_weight = sum(c.weight for c in self.contributions)
        result = b"BSRS\2\0" + common + struct.pack("<Q", total_weight) + sum_digest(sum_bytes)
        result += struct.pack("<Q", max(abs(residual) for residual in residuals))
        bundle = {
            "version": 2,
            "document": encoded.hex(),
            "aggregator_key": public_key(secret("holder 0")).hex(),
            "aggregator_signature": sign("holder 0", "round-document", round_hash).hex(),
            "countersignatures": [
                sign(f"holder {h}", "round-countersignature", round_hash + bytes([h])).hex()
                for h in combiners
            ],
            "members": members,
            "answers": answers,
            "result": signed("holder 0", "result", result).hex(),
        }
        bodies = {c.contribution_id.hex(): body for _, _, body, c in made}
        return Published(bundle, bodies, sum_bytes)


@dataclass
class Published:
    """The folder of a round. A test spoils it and then writes it."""

    bundle: dict[str, object]
    bodies: dict[str, bytes]
    sum: bytes

    def write(self, folder: Path) -> None:
        """Write bundle.json, bodies/ and sum."""
        (folder / "bodies").mkdir()
        (folder / "bundle.json").write_text(json.dumps(self.bundle))
        for name, body in self.bodies.items():
            (folder / "bodies" / name).write_bytes(body)
        (folder / "sum").write_bytes(self.sum)
