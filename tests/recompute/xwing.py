"""X-Wing: ML-KEM-768 (FIPS 203) with X25519 (RFC 7748), as draft-connolly-cfrg-xwing-kem has it.

For known answers only: nothing here is constant-time.
"""

import hashlib
from collections.abc import Iterator

Q = 3329
N = 256
K = 3
ENCAPSULATION_KEY_BYTES = 384 * K + 32
CIPHERTEXT_BYTES = 1088
PUBLIC_KEY_BYTES = ENCAPSULATION_KEY_BYTES + 32
LABEL = b"\\.//^\\"

Poly = list[int]

# 17 is a primitive 256th root of unity modulo Q.
BIT_REVERSED = [int(f"{i:07b}"[::-1], 2) for i in range(128)]
ZETAS = [pow(17, i, Q) for i in BIT_REVERSED]
GAMMAS = [pow(17, 2 * i + 1, Q) for i in BIT_REVERSED]


def ntt(f: Poly) -> Poly:
    """FIPS 203, algorithm 9."""
    f, i, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = ZETAS[i] * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
            i += 1
        length //= 2
    return f


def inverse_ntt(f: Poly) -> Poly:
    """FIPS 203, algorithm 10."""
    f, i, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, ZETAS[i] * (f[j + length] - t) % Q
            i -= 1
        length *= 2
    return [c * 3303 % Q for c in f]


def multiply(f: Poly, g: Poly) -> Poly:
    """FIPS 203, algorithm 11: the product of two transforms."""
    h = []
    for i, gamma in enumerate(GAMMAS):
        (a, b), (c, d) = f[2 * i : 2 * i + 2], g[2 * i : 2 * i + 2]
        h += [(a * c + b * d * gamma) % Q, (a * d + b * c) % Q]
    return h


def add(f: Poly, g: Poly) -> Poly:
    return [(a + b) % Q for a, b in zip(f, g)]


def subtract(f: Poly, g: Poly) -> Poly:
    return [(a - b) % Q for a, b in zip(f, g)]


def dot(f: list[Poly], g: list[Poly]) -> Poly:
    total = [0] * N
    for a, b in zip(f, g):
        total = add(total, multiply(a, b))
    return total


def encode(f: Poly, bits: int) -> bytes:
    """FIPS 203, algorithm 5."""
    packed = sum(c << (bits * i) for i, c in enumerate(f))
    return packed.to_bytes(32 * bits, "little")


def decode(data: bytes, bits: int) -> Poly:
    """FIPS 203, algorithm 6, without the reduction modulo Q."""
    packed = int.from_bytes(data, "little")
    return [(packed >> (bits * i)) & ((1 << bits) - 1) for i in range(N)]


def compress(f: Poly, bits: int) -> Poly:
    return [((c << (bits + 1)) + Q) // (2 * Q) % (1 << bits) for c in f]


def decompress(f: Poly, bits: int) -> Poly:
    return [(2 * Q * c + (1 << bits)) >> (bits + 1) for c in f]


def uniform(seed: bytes) -> Poly:
    """FIPS 203, algorithm 7."""
    stream, f, i = hashlib.shake_128(seed).digest(168 * 6), [], 0
    while len(f) < N:
        a, b, c = stream[i : i + 3]
        f += [d for d in (a + 256 * (b % 16), b // 16 + 16 * c) if d < Q]
        i += 3
    return f[:N]


def binomial(seed: bytes, counters: Iterator[int]) -> Poly:
    """FIPS 203, algorithm 8 with η = 2, over the stream PRF(seed, counter)."""
    stream = hashlib.shake_256(seed + bytes([next(counters)])).digest(128)
    packed = int.from_bytes(stream, "little")
    nibbles = [(packed >> (4 * i)) & 15 for i in range(N)]
    return [((c & 1) + (c >> 1 & 1) - (c >> 2 & 1) - (c >> 3)) % Q for c in nibbles]


def matrix(rho: bytes) -> list[list[Poly]]:
    return [[uniform(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def g(data: bytes) -> tuple[bytes, bytes]:
    digest = hashlib.sha3_512(data).digest()
    return digest[:32], digest[32:]


def pke_key(d: bytes) -> tuple[bytes, list[Poly]]:
    """FIPS 203, algorithm 13: the encryption key and the secret vector."""
    rho, sigma = g(d + bytes([K]))
    counters = iter(range(2 * K))
    secret = [ntt(binomial(sigma, counters)) for _ in range(K)]
    errors = [ntt(binomial(sigma, counters)) for _ in range(K)]
    public = [add(dot(row, secret), error) for row, error in zip(matrix(rho), errors)]
    return b"".join(encode(t, 12) for t in public) + rho, secret


def pke_encrypt(key: bytes, message: bytes, randomness: bytes) -> bytes:
    """FIPS 203, algorithm 14."""
    public = [decode(key[384 * i : 384 * (i + 1)], 12) for i in range(K)]
    rows = matrix(key[-32:])
    counters = iter(range(2 * K + 1))
    y = [ntt(binomial(randomness, counters)) for _ in range(K)]
    first = [binomial(randomness, counters) for _ in range(K)]
    second = binomial(randomness, counters)
    u = [add(inverse_ntt(dot([row[i] for row in rows], y)), first[i]) for i in range(K)]
    mu = decompress(decode(message, 1), 1)
    v = add(add(inverse_ntt(dot(public, y)), second), mu)
    return b"".join(encode(compress(c, 10), 10) for c in u) + encode(compress(v, 4), 4)


def pke_decrypt(secret: list[Poly], ciphertext: bytes) -> bytes:
    """FIPS 203, algorithm 15."""
    u = [decompress(decode(ciphertext[320 * i : 320 * (i + 1)], 10), 10) for i in range(K)]
    v = decompress(decode(ciphertext[320 * K :], 4), 4)
    noisy = subtract(v, inverse_ntt(dot(secret, [ntt(c) for c in u])))
    return encode(compress(noisy, 1), 1)


def ml_kem_encapsulate(key: bytes, message: bytes) -> tuple[bytes, bytes]:
    """FIPS 203, algorithm 17: the shared secret and the ciphertext."""
    shared, randomness = g(message + hashlib.sha3_256(key).digest())
    return shared, pke_encrypt(key, message, randomness)


def ml_kem_decapsulate(seed: bytes, ciphertext: bytes) -> bytes:
    """FIPS 203, algorithm 18. A wrong ciphertext gives another secret and no error."""
    key, secret = pke_key(seed[:32])
    message = pke_decrypt(secret, ciphertext)
    shared, expected = ml_kem_encapsulate(key, message)
    if expected == ciphertext:
        return shared
    return hashlib.shake_256(seed[32:] + ciphertext).digest(32)


def x25519(scalar: bytes, u: bytes) -> bytes:
    """RFC 7748 §5."""
    p = 2**255 - 19
    k = int.from_bytes(scalar, "little") & ~7 & ((1 << 254) - 1) | 1 << 254
    x1 = int.from_bytes(u, "little") % (1 << 255) % p
    x2, z2, x3, z3 = 1, 0, x1, 1
    for t in reversed(range(255)):
        if k >> t & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
        if k >> t & 1:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


BASE_POINT = (9).to_bytes(32, "little")


def is_small_order(u: bytes) -> bool:
    """Whether every clamped multiple of the point is zero."""
    return x25519(bytes(32), u) == bytes(32)


def is_reduced(key: bytes) -> bool:
    """The modulus check of FIPS 203 §7.2."""
    return max(c for i in range(K) for c in decode(key[384 * i : 384 * (i + 1)], 12)) < Q


def may_be_sealed_to(key: bytes) -> bool:
    """The rules on a holder's key."""
    return len(key) == PUBLIC_KEY_BYTES and is_reduced(key) and not is_small_order(key[-32:])


def expand(private: bytes) -> tuple[bytes, bytes]:
    """The seed of the ML-KEM key and the X25519 scalar."""
    expanded = hashlib.shake_256(private).digest(96)
    return expanded[:64], expanded[64:]


def public_key(private: bytes) -> bytes:
    seed, scalar = expand(private)
    return pke_key(seed[:32])[0] + x25519(scalar, BASE_POINT)


def combine(shared_m: bytes, shared_x: bytes, ciphertext_x: bytes, public_x: bytes) -> bytes:
    return hashlib.sha3_256(shared_m + shared_x + ciphertext_x + public_x + LABEL).digest()


def encapsulate(key: bytes, randomness: bytes) -> tuple[bytes, bytes]:
    """The shared secret and the 1120 bytes that give it to the key's owner."""
    shared_m, ciphertext_m = ml_kem_encapsulate(key[:-32], randomness[:32])
    ciphertext_x = x25519(randomness[32:], BASE_POINT)
    shared_x = x25519(randomness[32:], key[-32:])
    return combine(shared_m, shared_x, ciphertext_x, key[-32:]), ciphertext_m + ciphertext_x


def decapsulate(private: bytes, encapsulated: bytes) -> bytes:
    seed, scalar = expand(private)
    ciphertext_m, ciphertext_x = encapsulated[:CIPHERTEXT_BYTES], encapsulated[CIPHERTEXT_BYTES:]
    shared_m = ml_kem_decapsulate(seed, ciphertext_m)
    shared_x = x25519(scalar, ciphertext_x)
    return combine(shared_m, shared_x, ciphertext_x, x25519(scalar, BASE_POINT))
