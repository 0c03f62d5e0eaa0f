"""Sealed seeds (docs/wire-formats.md §7): HPKE (RFC 9180) in base mode with X-Wing, HKDF-SHA256 and
ChaCha20-Poly1305.

    python3 sealing.py

prints tests/vectors/sealing.json: the vectors of the drafts as they are in it, seals of our own
with all that goes into them, and what is wrong with others.
"""

import hashlib
import hmac
import json
from pathlib import Path

import xwing
from chacha import keystream
from codec import Wrong, require

INFO = b"blindsum/v2/mask-key-share"
ENCAPSULATED_BYTES = 1120
SEALED_BYTES = ENCAPSULATED_BYTES + 32 + 16
# KEM 0x647a, KDF 0x0001, AEAD 0x0003
SUITE = b"HPKE\x64\x7a\x00\x01\x00\x03"


def extract(salt: bytes, label: bytes, secret: bytes) -> bytes:
    """LabeledExtract of RFC 9180 §4."""
    return hmac.digest(salt, b"HPKE-v1" + SUITE + label + secret, "sha256")


def expand(secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of RFC 9180 §4, for at most 32 bytes."""
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]


def key_and_nonce(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """The key schedule of RFC 9180 §5.1 in base mode."""
    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared_secret, b"secret", b"")
    return expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)


def stream(key: bytes, nonce: bytes, first_block: int, length: int) -> bytes:
    blocks = -(-length // 64)
    return keystream(key, [nonce], 20, first_block, blocks).tobytes()[:length]


def tag(key: bytes, nonce: bytes, ciphertext: bytes, data: bytes) -> bytes:
    """The Poly1305 tag of RFC 8439 §2.8."""

    def padded(part: bytes) -> bytes:
        return part + bytes(-len(part) % 16)

    lengths = len(data).to_bytes(8, "little") + len(ciphertext).to_bytes(8, "little")
    message = padded(data) + padded(ciphertext) + lengths
    one_time = stream(key, nonce, 0, 32)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i : i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(one_time[16:], "little")) % 2**128).to_bytes(16, "little")


def encrypt(key: bytes, nonce: bytes, plaintext: bytes, data: bytes) -> bytes:
    masked = bytes(a ^ b for a, b in zip(plaintext, stream(key, nonce, 1, len(plaintext))))
    return masked + tag(key, nonce, masked, data)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, data: bytes) -> bytes:
    masked = ciphertext[:-16]
    require(tag(key, nonce, masked, data) == ciphertext[-16:], "a sealed seed opens")
    return bytes(a ^ b for a, b in zip(masked, stream(key, nonce, 1, len(masked))))


def hpke_seal(public: bytes, info: bytes, plaintext: bytes, data: bytes, randomness: bytes) -> bytes:
    """The encapsulated key and the first ciphertext of a context."""
    shared_secret, encapsulated = xwing.encapsulate(public, randomness)
    return encapsulated + encrypt(*key_and_nonce(shared_secret, info), plaintext, data)


def hpke_open(private: bytes, info: bytes, sealed: bytes, data: bytes) -> bytes:
    encapsulated, ciphertext = sealed[:ENCAPSULATED_BYTES], sealed[ENCAPSULATED_BYTES:]
    shared_secret = xwing.decapsulate(private, encapsulated)
    return decrypt(*key_and_nonce(shared_secret, info), ciphertext, data)


def check_sealed(sealed: bytes) -> None:
    """The rule on a sealed seed that needs no key."""
    require(len(sealed) == SEALED_BYTES, "a sealed seed has 1168 bytes")
    point = sealed[ENCAPSULATED_BYTES - 32 : ENCAPSULATED_BYTES]
    require(not xwing.is_small_order(point), "a sealed seed has no X25519 part of small order")


Vector = dict[str, object]


def associated_data(vector: Vector) -> bytes:
    """The associated data of a vector's seal."""
    fields = ("round_hash", "hpke_key_id", "client_key", "body_digest")
    round_hash, key_id, client_key, body_digest = (bytes.fromhex(str(vector[f])) for f in fields)
    commitments = vector["commitments"]
    assert isinstance(commitments, list)
    count = bytes([len(commitments)])
    holder = bytes([int(str(vector["holder"]))])
    rest = b"".join(bytes.fromhex(c) for c in commitments)
    return round_hash + holder + key_id + client_key + body_digest + count + rest


def open_vector(vector: Vector, sealed: bytes) -> bytes:
    """Open a seal under the key and for the context of a vector."""
    check_sealed(sealed)
    return hpke_open(bytes.fromhex(str(vector["private"])), INFO, sealed, associated_data(vector))


def own_vector(number: int, commitments: list[str]) -> Vector:
    """A seal of our own. Everything in it is a hash of its number and a name."""

    def draw(name: str, length: int = 32) -> bytes:
        return hashlib.shake_256(f"sealed seed {number}: {name}".encode()).digest(length)

    private = draw("private")
    public = xwing.public_key(private)
    require(xwing.may_be_sealed_to(public), "a key of our own keeps the rules")
    vector: Vector = {
        "private": private.hex(),
        "public": public.hex(),
        "hpke_key_id": draw("hpke_key_id", 16).hex(),
        "round_hash": draw("round_hash").hex(),
        "holder": number,
        "client_key": draw("client_key").hex(),
        "body_digest": draw("body_digest").hex(),
        "commitments": commitments,
        "seed": draw("seed").hex(),
        "randomness": draw("randomness", 64).hex(),
    }
    seed, randomness = draw("seed"), draw("randomness", 64)
    sealed = hpke_seal(public, INFO, seed, associated_data(vector), randomness)
    if open_vector(vector, sealed) != seed:
        raise Wrong("a seal of our own does not open")
    return vector | {"sealed": sealed.hex()}


SMALL_ORDER = {
    "0, of order 2": 0,
    "1, of order 4": 1,
    "a point of order 8": 325606250916557431795983626356110631294008115727848805560023387167927233504,
    "another point of order 8": 39382357235489614581723060781553021112529911719440698176882885853963445705823,
    "p - 1, of order 4 on the twist": 2**255 - 20,
    "p, which is 0": 2**255 - 19,
    "p + 1, which is 1": 2**255 - 18,
}

Fault = dict[str, object]
"""Bytes that are written over those of something sound, from an offset on."""


def fault(name: str, offset: int, wrong: bytes) -> Fault:
    return {"fault": name, "at": offset, "bytes": wrong.hex()}


def small_points(offset: int) -> list[Fault]:
    """Every encoding of a point of small order."""
    faults = []
    for name, u in SMALL_ORDER.items():
        faults.append(fault(f"X25519: {name}", offset, u.to_bytes(32, "little")))
        top = (u | 1 << 255).to_bytes(32, "little")
        faults.append(fault(f"X25519: {name} with the top bit set", offset, top))
    return faults


def refused_keys(public: bytes) -> list[Fault]:
    def coefficient(name: str, index: int, value: int) -> Fault:
        start = index // 2 * 3
        pair = int.from_bytes(public[start : start + 3], "little")
        shift = index % 2 * 12
        pair = pair & ~(0xFFF << shift) | value << shift
        return fault(name, start, pair.to_bytes(3, "little"))

    return [
        coefficient("the first coefficient is 3329", 0, 3329),
        coefficient("the second coefficient is 3329", 1, 3329),
        coefficient("the last coefficient is 4095", 767, 4095),
        coefficient("a coefficient in the middle is 3330", 300, 3330),
        *small_points(xwing.ENCAPSULATION_KEY_BYTES),
    ]


def closed_seals(sealed: bytes) -> list[Fault]:
    """They break no rule, but nobody can open them."""

    def flipped(name: str, offset: int, bit: int = 0) -> Fault:
        return fault(name, offset, bytes([sealed[offset] ^ 1 << bit]))

    return [
        flipped("first byte of the ML-KEM part", 0),
        flipped("last byte of the ML-KEM part", 1087),
        flipped("first byte of the X25519 part", 1088),
        flipped("another encoding of the X25519 part: the top bit is set", 1119, 7),
        flipped("first byte of the ciphertext", 1120),
        flipped("last byte of the tag", 1167),
        fault("an ML-KEM part of zeros", 0, bytes(1088)),
        fault("only zeros where the ciphertext is", 1120, bytes(48)),
    ]


def main() -> None:
    known = json.loads((Path(__file__).parent / "../vectors/sealing.json").read_text(encoding="utf-8"))
    # The commitments of RFC 9496 appendix A.1: small multiples of the generator.
    multiples = [
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    ]
    own = [own_vector(number, multiples[: 2 + number]) for number in range(2)]
    public, sealed = (bytes.fromhex(str(own[0][field])) for field in ("public", "sealed"))
    vectors = {
        "x_wing": known["x_wing"],
        "hpke": known["hpke"],
        "own": own,
        "refused_keys": refused_keys(public),
        "refused_seals": small_points(ENCAPSULATED_BYTES - 32),
        "closed_seals": closed_seals(sealed),
    }
    print(json.dumps(vectors, indent=1))


if __name__ == "__main__":
    main()
