"""Tests of the primitives with published vectors, and of the ring with its definition."""

import hashlib
import json
import random
import struct
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

import blake3
import bodies
import constants
import ed25519
import edwards
import fake_round
import kernels
import messages
import payouts
import ring
import ristretto255
from chacha import keystream
from codec import Wrong, check_signature, merkle_root, require
from edwards import ORDER


class Blake3(unittest.TestCase):
    """test_vectors.json of the BLAKE3 repository: input byte i is i mod 251."""

    VECTORS = {
        0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
        1023: "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
        1024: "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
        1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
        2048: "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
        2049: "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
        3072: "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
        3073: "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
        4096: "015094013f57a5277b59d8475c0501042c0b642e531b0a1c8f58d2163229e969",
        4097: "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995",
        5121: "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff",
        7169: "a003fc7a51754a9b3c7fae0367ab3d782dccf28855a03d435f8cfe74605e7817",
        8193: "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
        31744: "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
        102400: "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
    }

    def test_vectors(self) -> None:
        for length, expected in self.VECTORS.items():
            with self.subTest(length=length):
                self.assertEqual(blake3.blake3(bytes(i % 251 for i in range(length))).hex(), expected)


class ChaCha(unittest.TestCase):
    """RFC 8439 §2.3.2, and draft-strombergsson-chacha-test-vectors-01 for eight rounds."""

    def test_rfc_8439(self) -> None:
        nonce = bytes.fromhex("000000090000004a00000000")
        block = keystream(bytes(range(32)), [nonce], rounds=20, first_block=1, blocks=1)
        expected = (
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
        )
        self.assertEqual(block.astype("<u8").tobytes().hex(), expected)

    def test_eight_rounds(self) -> None:
        """The draft's nonce of 64 bits is the end of one of 96, while the counter is below 2^32."""
        vectors = [
            (
                "00" * 32,
                "00" * 8,
                "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
                "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42"
                "d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b"
                "5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa",
            ),
            (
                "00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100",
                "0f1e2d3c4b5a6978",
                "db43ad9d1e842d1272e4530e276b3f568f8859b3f7cf6d9d2c74fa53808cb515"
                "7a8ebf46ad3dcc4b6c7dadde131784b0120e0e22f6d5f9ffa7407d4a21b695d9"
                "c5dd30bf55612fab9bdd118920c19816470c7f5dcd42325dbbed8c57a56281c1"
                "44cb0f03e81b3004624e0650a1ce5afaf9a7cd8163f6dbd72602257dd96e471e",
            ),
        ]
        for key, nonce, expected in vectors:
            nonces = [bytes.fromhex("00000000" + nonce), bytes(12)]
            stream = keystream(bytes.fromhex(key), nonces, rounds=8, first_block=0, blocks=2)
            self.assertEqual(stream[0].astype("<u8").tobytes().hex(), expected)

    def test_projection_rows(self) -> None:
        """Digest, entries and sums that the tests of crypto/lattice and crypto/testkit have."""
        nonce = bytes.fromhex("080706050403020105000000")
        stream = keystream(bytes(range(32)), [nonce], rounds=8, first_block=0, blocks=2048)[0]
        columns = stream.astype("<u8").view(np.uint8).reshape(2048, 64)
        self.assertEqual(
            hashlib.sha256(columns[:16].tobytes()).hexdigest(),
            "f1fd5f17815814a07743f565fc2602fa12cf3a06016816b53fe5732f0ef862f3",
        )
        bits = np.unpackbits(columns, axis=1, bitorder="little").astype(np.int64)
        rows = (bits[:, :256] - bits[:, 256:]).T
        entries = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 254, 255]
        self.assertEqual(rows[entries, 2047].tolist(), [1, -1, 1, 0, 0, -1, -1, 1, 1, 1, 1, 0, -1])
        sums = rows @ (np.arange(2048, dtype=np.int64) ** 2 - 1_000_003)
        self.assertEqual(
            sums[[0, 1, 31, 32, 100, 255]].tolist(),
            [29_184_990, -7_841_674, -181_770, -24_525_345, 34_899_156, -10_570_685],
        )


class Kernels(unittest.TestCase):
    """The vectors with which every backend is compared."""

    def test_the_stored_digests_are_these(self) -> None:
        stored = json.loads((Path(__file__).parents[1] / "vectors" / "backend.json").read_text())
        self.assertEqual(stored, json.loads(json.dumps(kernels.vectors())))


class Ed25519(unittest.TestCase):
    """The vectors of RFC 8032 §7.1, and signatures that strict verification refuses."""

    VECTORS = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            hashlib.sha512(b"abc").hexdigest(),
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ]
    SMALL_ORDER = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ]

    def test_vectors(self) -> None:
        for secret_hex, key_hex, message_hex, signature_hex in self.VECTORS:
            secret, key = bytes.fromhex(secret_hex), bytes.fromhex(key_hex)
            message, signature = bytes.fromhex(message_hex), bytes.fromhex(signature_hex)
            self.assertEqual(fake_round.public_key(secret), key)
            self.assertEqual(fake_round.sign_raw(secret, message), signature)
            self.assertTrue(ed25519.verify(key, message, signature))
            for position in (0, 31, 32, 63):
                spoiled = bytearray(signature)
                spoiled[position] ^= 1
                self.assertFalse(ed25519.verify(key, message, bytes(spoiled)))
            self.assertFalse(ed25519.verify(key, message + b"\0", signature))
            self.assertFalse(ed25519.verify(key, message, signature[:63]))

    def test_scalar_above_the_order(self) -> None:
        _, key, message, signature = (bytes.fromhex(value) for value in self.VECTORS[1])
        s = int.from_bytes(signature[32:], "little") + ORDER
        self.assertFalse(ed25519.verify(key, message, signature[:32] + s.to_bytes(32, "little")))

    def test_small_order_key(self) -> None:
        """With a key of order 1, (sB, s) satisfies the equation for every message."""
        for encoded in self.SMALL_ORDER:
            key = bytes.fromhex(encoded)
            point = ed25519.decode_point(key)
            assert point is not None
            self.assertTrue(edwards.is_small_order(point))
            for s in range(1, 9):
                encoded_r = ed25519.encode_point(edwards.multiply(s, ed25519.BASE))
                self.assertFalse(ed25519.verify(key, b"m", encoded_r + s.to_bytes(32, "little")))

    def test_small_order_r(self) -> None:
        """R = identity and S = k a satisfies the equation of the key a B."""
        key = ed25519.encode_point(edwards.multiply(5, ed25519.BASE))
        encoded_r = bytes.fromhex(self.SMALL_ORDER[0])
        k = int.from_bytes(hashlib.sha512(encoded_r + key + b"m").digest(), "little")
        self.assertFalse(ed25519.verify(key, b"m", encoded_r + (5 * k % ORDER).to_bytes(32, "little")))

    def test_no_cofactor(self) -> None:
        """A key with a torsion part verifies a message only if k times that part is zero."""
        torsion = ed25519.decode_point(bytes.fromhex(self.SMALL_ORDER[4]))
        assert torsion is not None
        key = ed25519.encode_point(edwards.add(edwards.multiply(5, ed25519.BASE), torsion))
        encoded_r = ed25519.encode_point(edwards.multiply(7, ed25519.BASE))
        for message in (bytes([i]) for i in range(32)):
            k = int.from_bytes(hashlib.sha512(encoded_r + key + message).digest(), "little") % ORDER
            signature = encoded_r + ((7 + 5 * k) % ORDER).to_bytes(32, "little")
            self.assertEqual(ed25519.verify(key, message, signature), k % 8 == 0)

    def test_encodings_that_are_not_canonical(self) -> None:
        for y in range(edwards.P, 2**255):
            self.assertIsNone(ed25519.decode_point(y.to_bytes(32, "little")))
        self.assertIsNone(ed25519.decode_point((1 | 1 << 255).to_bytes(32, "little")))
        self.assertIsNone(ed25519.decode_point(bytes(31)))


class Ristretto255(unittest.TestCase):
    """The vectors of RFC 9496 appendix A."""

    MULTIPLES = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
        "da80862773358b466ffadfe0b3293ab3d9fd53c5ea6c955358f568322daf6a57",
        "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e",
        "f64746d3c92b13050ed8d80236a7f0007c3b3f962f5ba793d19a601ebb1df403",
        "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d",
        "903293d8f2287ebe10e2374dc1a53e0bc887e592699f02d077d5263cdd55601c",
        "02622ace8f7303a31cafc63f8fc48fdc16e1c8c8d234b2f0d6685282a9076031",
        "20706fd788b2720a1ed2a5dad4952b01f413bcf0e7564de8cdc816689e2db95f",
        "bce83f8ba5dd2fa572864c24ba1810f9522bc6004afe95877ac73241cafdab42",
        "e4549ee16b9aa03099ca208c67adafcafa4c3f3e4e5303de6026e3ca8ff84460",
        "aa52e000df2e16f55fb1032fc33bc42742dad6bd5a8fc0be0167436c5948501f",
        "46376b80f409b29dc2b5f6f0c52591990896e5716f41477cd30085ab7f10301e",
        "e0c418f7c8d9c4cdd7395b93ea124f3ad99021bb681dfc3302a9d99a2e53e64e",
    ]
    INVALID = [
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
        "c940e5a4404157cfb1628b108db051a8d439e1a421394ec4ebccb9ec92a8ac78",
        "47cfc5497c53dc8e61c91d17fd626ffb1c49e2bca94eed052281b510b1117a24",
        "f1c6165d33367351b0da8f6e4511010c68174a03b6581212c71c0e1d026c3c72",
        "87260f7a2f12495118360f02c26a470f450dadf34a413d21042b43b9d93e1309",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
        "de6a7b00deadc788eb6b6c8d20c0ae96c2f2019078fa604fee5b87d6e989ad7b",
        "bcab477be20861e01e4a0e295284146a510150d9817763caf1a6f4b422d67042",
        "2a292df7e32cababbd9de088d1d1abec9fc0440f637ed2fba145094dc14bea08",
        "f4a9e534fc0d216c44b218fa0c42d99635a0127ee2e53c712f70609649fdff22",
        "8268436f8c4126196cf64b3c7ddbda90746a378625f9813dd9b8457077256731",
        "2810e5cbc2cc4d4eece54f61c6f69758e289aa7ab440b3cbeaa21995c2f4232b",
        "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
        "a45fdc55c76448c049a1ab33f17023edfb2be3581e9c7aade8a6125215e04220",
        "d483fe813c6ba647ebbfd3ec41adca1c6130c2beeee9d9bf065c8d151c5f396e",
        "8a2e1d30050198c65a54483123960ccc38aef6848e1ec8f5f780e8523769ba32",
        "32888462f8b486c68ad7dd9610be5192bbeaf3b443951ac1a8118419d9fa097b",
        "227142501b9d4355ccba290404bde41575b037693cef1f438c47f8fbf35d1165",
        "5c37cc491da847cfeb9281d407efc41e15144c876e0170b499a96a22ed31e01e",
        "445425117cb8c90edcbc7c1cc0e74f747f2c1efa5630a967c64f287792a48a4b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ]
    UNIFORM = [
        (
            "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
            "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
            "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46",
        ),
        (
            "f116b34b8f17ceb56e8732a60d913dd10cce47a6d53bee9204be8b44f6678b27"
            "0102a56902e2488c46120e9276cfe54638286b9e4b3cdb470b542d46c2068d38",
            "f26e5b6f7d362d2d2a94c5d0e7602cb4773c95a2e5c31a64f133189fa76ed61b",
        ),
        (
            "8422e1bbdaab52938b81fd602effb6f89110e1e57208ad12d9ad767e2e25510c"
            "27140775f9337088b982d83d7fcf0b2fa1edffe51952cbe7365e95c86eaf325c",
            "006ccd2a9e6867e6a2c5cea83d3302cc9de128dd2a9a57dd8ee7b9d7ffe02826",
        ),
        (
            "ac22415129b61427bf464e17baee8db65940c233b98afce8d17c57beeb7876c2"
            "150d15af1cb1fb824bbd14955f2b57d08d388aab431a391cfc33d5bafb5dbbaf",
            "f8f0c87cf237953c5890aec3998169005dae3eca1fbb04548c635953c817f92a",
        ),
        (
            "165d697a1ef3d5cf3c38565beefcf88c0f282b8e7dbd28544c483432f1cec767"
            "5debea8ebb4e5fe7d6f6e5db15f15587ac4d4d4a1de7191e0c1ca6664abcc413",
            "ae81e7dedf20a497e10c304a765c1767a42d6e06029758d2d7e8ef7cc4c41179",
        ),
        (
            "a836e6c9a9ca9f1e8d486273ad56a78c70cf18f0ce10abb1c7172ddd605d7fd2"
            "979854f47ae1ccf204a33102095b4200e5befc0465accc263175485f0e17ea5c",
            "e2705652ff9f5e44d3e841bf1c251cf7dddb77d140870d1ab2ed64f1a9ce8628",
        ),
        (
            "2cdc11eaeb95daf01189417cdddbf95952993aa9cb9c640eb5058d09702c7462"
            "2c9965a697a3b345ec24ee56335b556e677b30e6f90ac77d781064f866a3c982",
            "80bd07262511cdde4863f8a7434cef696750681cb9510eea557088f76d9e5065",
        ),
    ]
    SAME = [
        "ed" + "ff" * 31 + "12" + "00" * 31,
        "ed" + "ff" * 30 + "7f" + "ff" * 32,
        "00" * 31 + "80" + "ff" * 31 + "7f",
        "00" * 32 + "12" + "00" * 30 + "80",
    ]
    SAME_OUTPUT = "304282791023b73128d277bdcb5c7746ef2eac08dde9f2983379cb8e5ef0517f"

    def test_multiples(self) -> None:
        generator = ristretto255.decode(bytes.fromhex(self.MULTIPLES[1]))
        assert generator is not None
        self.assertTrue(ristretto255.equal(generator, ed25519.BASE))
        total = edwards.IDENTITY
        for k, expected in enumerate(self.MULTIPLES):
            self.assertEqual(ristretto255.encode(total).hex(), expected)
            self.assertEqual(ristretto255.encode(edwards.multiply(k, ed25519.BASE)).hex(), expected)
            decoded = ristretto255.decode(bytes.fromhex(expected))
            assert decoded is not None
            self.assertTrue(ristretto255.equal(decoded, total))
            self.assertFalse(ristretto255.equal(decoded, edwards.add(total, generator)))
            total = edwards.add(total, generator)

    def test_invalid_encodings(self) -> None:
        for encoded in self.INVALID:
            self.assertIsNone(ristretto255.decode(bytes.fromhex(encoded)), encoded)

    def test_one_way_map(self) -> None:
        vectors = self.UNIFORM + [(data, self.SAME_OUTPUT) for data in self.SAME]
        for data, expected in vectors:
            element = ristretto255.from_uniform_bytes(bytes.fromhex(data))
            self.assertEqual(ristretto255.encode(element).hex(), expected)

    def test_square_roots(self) -> None:
        third = int.from_bytes(
            bytes.fromhex("3c5ff1b5d8e4113b871bd052f9e7bcd0582804c266ffb2d4f4203eb07fdb7c54"), "little"
        )
        half = int.from_bytes(
            bytes.fromhex("f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff3f"), "little"
        )
        vectors = [
            (0, 0, True, 0),
            (0, 1, True, 0),
            (1, 0, False, 0),
            (2, 1, False, third),
            (4, 1, True, 2),
            (1, 4, True, half),
        ]
        for u, v, was_square, root in vectors:
            self.assertEqual(ristretto255.sqrt_ratio_m1(u, v), (was_square, root))

    def test_torsion_is_invisible(self) -> None:
        torsion = ed25519.decode_point(bytes.fromhex(Ed25519.SMALL_ORDER[2]))
        assert torsion is not None
        element = edwards.multiply(9, ed25519.BASE)
        self.assertTrue(ristretto255.equal(element, edwards.add(element, torsion)))
        self.assertEqual(ristretto255.encode(edwards.add(element, torsion)).hex(), self.MULTIPLES[9])


class Curve(unittest.TestCase):
    """Multiscalar multiplication, compared with single multiplications."""

    def test_multiscalar(self) -> None:
        chance = random.Random(2)
        points = [edwards.multiply(chance.randrange(ORDER), ed25519.BASE) for _ in range(12)]
        for limit in (1, 255, 256, 2**25):
            coefficients = [chance.randint(-limit, limit) for _ in points[:-2]] + [-limit, limit]
            expected = edwards.IDENTITY
            for coefficient, point in zip(coefficients, points, strict=True):
                expected = edwards.add(expected, edwards.multiply(coefficient % ORDER, point))
            actual = edwards.multiscalar(coefficients, points)
            self.assertEqual(ed25519.encode_point(actual), ed25519.encode_point(expected))
        self.assertTrue(edwards.is_identity(edwards.multiscalar([0] * 12, points)))


class Merkle(unittest.TestCase):
    """The reference trees of Certificate Transparency, which RFC 9162 §2.1 keeps."""

    LEAVES = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    ROOTS = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    def test_roots(self) -> None:
        leaves = [bytes.fromhex(leaf) for leaf in self.LEAVES]
        for size, expected in enumerate(self.ROOTS):
            self.assertEqual(merkle_root(leaves[:size]).hex(), expected)


class Ring(unittest.TestCase):
    """Arithmetic and transforms, compared with Python integers."""

    EDGES = [0, 1, 2, 2**32 - 1, 2**32, 2**32 + 1, ring.Q // 2, ring.Q - 2**32, ring.Q - 2, ring.Q - 1]

    def setUp(self) -> None:
        self.chance = random.Random(3)

    def _polynomial(self) -> list[int]:
        return [self.chance.randrange(ring.Q) for _ in range(ring.N)]

    def test_arithmetic(self) -> None:
        values = self.EDGES + [self.chance.randrange(ring.Q) for _ in range(200)]
        pairs = [(a, b) for a in values for b in values]
        a, b = (np.array(column, dtype=np.uint64) for column in zip(*pairs, strict=True))
        self.assertEqual(ring.add(a, b).tolist(), [(x + y) % ring.Q for x, y in pairs])
        self.assertEqual(ring.subtract(a, b).tolist(), [(x - y) % ring.Q for x, y in pairs])
        self.assertEqual(ring.multiply(a, b).tolist(), [x * y % ring.Q for x, y in pairs])

    def test_multiply_takes_any_words(self) -> None:
        values = (
            self.EDGES + [ring.Q, ring.Q + 1, 2**64 - 1] + [self.chance.getrandbits(64) for _ in range(200)]
        )
        words = np.array(values, dtype=np.uint64)
        for factor in (1, 2**9, 2**32, 2**64 - 1):
            expected = [value * factor % ring.Q for value in values]
            self.assertEqual(ring.multiply(words, np.uint64(factor)).tolist(), expected)

    def test_omega(self) -> None:
        self.assertEqual(pow(ring.OMEGA, ring.N, ring.Q), ring.Q - 1)

    def test_evaluate_is_the_definition(self) -> None:
        polynomial = self._polynomial()
        values = ring.evaluate(np.array([polynomial], dtype=np.uint64))[0].tolist()
        for k in (0, 1, 2, 3, 5, 1024, 1500, 2047):
            point = pow(ring.OMEGA, 2 * ring.bit_reverse(k) + 1, ring.Q)
            expected = 0
            for coefficient in reversed(polynomial):
                expected = (expected * point + coefficient) % ring.Q
            self.assertEqual(values[k], expected)

    def test_products_are_negacyclic(self) -> None:
        """Compare with the product of the polynomials packed into integers (Kronecker)."""
        a, b = self._polynomial(), self._polynomial()
        width = 20
        packed = [sum(c << 8 * width * i for i, c in enumerate(polynomial)) for polynomial in (a, b)]
        encoded = (packed[0] * packed[1]).to_bytes(width * 2 * ring.N, "little")
        full = [int.from_bytes(encoded[width * i : width * (i + 1)], "little") for i in range(2 * ring.N)]
        expected = [(low - high) % ring.Q for low, high in zip(full[: ring.N], full[ring.N :], strict=True)]
        values = [ring.evaluate(np.array(polynomial, dtype=np.uint64)) for polynomial in (a, b)]
        self.assertEqual(ring.interpolate(ring.multiply(*values)).tolist(), expected)

    def test_batches_agree_with_single_polynomials(self) -> None:
        batch = np.array([self._polynomial() for _ in range(3)], dtype=np.uint64)
        values = ring.evaluate(batch)
        self.assertTrue((values[1] == ring.evaluate(batch[1])).all())
        self.assertTrue((ring.interpolate(values) == batch).all())

    def test_rejected_words(self) -> None:
        words = np.array([5, ring.Q, 6, 2**64 - 1], dtype=np.uint64)
        self.assertEqual(ring.fill_rejected(words, [ring.Q + 7, 8, 9])[0].tolist(), [5, 8, 6, 9])
        self.assertTrue(ring.fill_rejected(words, [8, 9])[1])
        self.assertFalse(ring.fill_rejected(words, [8, ring.Q])[1])

    def test_mask_polynomials(self) -> None:
        """Word k of the stream with index j, read from its first block."""
        seed = bytes(range(32))
        key = hashlib.sha256(b"blindsum/v2/mask-polynomials\0" + seed).digest()
        masks = ring.mask_polynomials(seed, 5, 2)
        for row, index in enumerate((5, 6)):
            stream = keystream(key, [struct.pack("<QI", index, 0)], rounds=8, first_block=3, blocks=1)
            self.assertEqual(masks[row, 24:32].tolist(), stream[0].tolist())

    def test_signed(self) -> None:
        values = np.array([0, 1, -1, 2**40, -(2**40)], dtype=np.int64)
        residues = ring.from_signed(values)
        self.assertEqual(residues.tolist(), [value % ring.Q for value in values.tolist()])
        self.assertEqual(ring.centred(residues).tolist(), values.tolist())
        edges = np.array([(ring.Q - 1) // 2, (ring.Q + 1) // 2], dtype=np.uint64)
        self.assertEqual(ring.centred(edges).tolist(), [(ring.Q - 1) // 2, -((ring.Q - 1) // 2)])


class Bodies(unittest.TestCase):
    """Packing and rounding."""

    def test_unpack(self) -> None:
        chance = random.Random(4)
        for word_bits in range(32, 64):
            words = [chance.getrandbits(word_bits) for _ in range(128)]
            words[0], words[63] = 2**word_bits - 1, 2**word_bits - 1
            self.assertEqual(bodies.unpack(fake_round.pack(words, word_bits), word_bits).tolist(), words)

    def test_refused_words(self) -> None:
        for transport_bits in range(1, 33):
            limit = (ring.Q - 1) >> transport_bits
            self.assertIsNone(bodies.first_refused(np.array([0, limit], dtype=np.uint64), transport_bits))
            if limit + 1 < 2 ** (64 - transport_bits):
                words = np.array([0, limit + 1], dtype=np.uint64)
                self.assertGreaterEqual((limit + 1) << transport_bits, ring.Q)
                self.assertEqual(bodies.first_refused(words, transport_bits), 1)

    def test_sum_at_the_ends_of_the_range(self) -> None:
        """With no keys, y is the centred word sum; y + Delta/2 overflows 64 bits at the ends."""
        half, scale_log2 = (ring.Q - 1) // 2, 44
        delta = 2**scale_log2
        y = [half, -half, 0, delta // 2 - 1, delta // 2, -delta // 2, -delta // 2 - 1, -1]
        halved = [value * pow(2, -1, ring.Q) % ring.Q for value in y] + [0] * (ring.N - len(y))
        no_key = np.zeros(ring.N, dtype=np.int64)
        sums, residual_max = bodies.unmask(
            np.array(halved, dtype=np.uint64), [no_key], bytes(32), 1, scale_log2
        )
        expected = [(value + delta // 2) // delta for value in y]
        self.assertEqual(sums[: len(y)].tolist(), expected)
        residuals = [abs(value - delta * s) for value, s in zip(y, expected, strict=True)]
        self.assertEqual(residual_max, max(residuals))

    def test_batches(self) -> None:
        """The sum does not depend on how many blocks are unmasked side by side."""
        chance = random.Random(5)
        words = np.array([chance.getrandbits(37) for _ in range(5 * ring.N)], dtype=np.uint64)
        keys = [np.array([chance.randint(-96, 96) for _ in range(ring.N)], dtype=np.int64) for _ in range(2)]
        whole, residual_max = bodies.unmask(words, keys, bytes(32), 27, 31)
        with mock.patch.object(bodies, "_BATCH", 2):
            parts, parts_residual_max = bodies.unmask(words, keys, bytes(32), 27, 31)
        self.assertEqual((whole.tolist(), residual_max), (parts.tolist(), parts_residual_max))

    def test_chunks(self) -> None:
        data = bytes(range(100))
        leaves = [blake3.blake3(data[:64]), blake3.blake3(data[64:])]
        self.assertEqual(bodies.chunked_digest(data, 64), merkle_root(leaves))


class Derivation(unittest.TestCase):
    """The constants of §4, compared with the conditions as they are written."""

    def test_first_fitting_pair(self) -> None:
        for dimension, n_max, norm_bound, low, high, cap in (
            (1, 2, 2**14, 1, 1, 2), (10**6, 64, 2**24, 1, 160, 64 * 160), (2**32, 2**10, 2**20, 3, 8, 4000),
            (2**20, 4096, 4_096_000, 1, 1000, 400_000), (2**20, 8, 354_987, 6, 520, 4160),
        ):  # fmt: skip
            derived = constants.derive(constants.Request(dimension, n_max, norm_bound, 1.0, low, high, cap))
            assert derived is not None
            padded = (dimension + 2047) // 2048 * 2048
            root = next(r for r in range(int(padded**0.5) - 1, 2**33) if r * r >= padded)
            fits = []
            for delta in range(44, 19, -1):
                for tau in range(32, 0, -1):
                    bound = 2**delta * norm_bound + root * (2**18 + 2 ** (tau - 1))
                    r = (271 * bound + 99) // 100
                    errors = bound - 2**delta * norm_bound
                    total = 271 * (2**delta * norm_bound * cap + n_max * errors * high)
                    total = (total + 100 * high - 1) // (100 * high) + n_max
                    light = 256 * errors <= 2**delta * (norm_bound * low // high)
                    room = 2 ** (delta - 1) - 4 * n_max
                    noise = 64 * n_max * ((2**36 - 1) * 8 + 4**tau)
                    wide_enough = total < (ring.Q - 1) // 2 and 125 * r <= ring.Q and light
                    if wide_enough and n_max <= 2**tau and room > 0 and noise < 12 * room**2:
                        fits.append((delta, tau, bound))
            actual = (derived.scale_log2, derived.transport_bits, derived.noisy_norm_bound)
            self.assertEqual(actual, fits[0])
            lightest = norm_bound * low // high
            self.assertEqual(derived.scale, (lightest**2 - padded // 4 - 8 * lightest) ** 0.5 / low)

    def test_nothing_fits(self) -> None:
        self.assertIsNone(constants.derive(constants.Request(2**32, 2**20, 2**31 - 1, 1.0, 1, 1, 2**20)))

    def test_ranges(self) -> None:
        good = constants.Request(2048, 2, 1024, 1.0, 1, 1, 2)
        self.assertIsNone(constants.range_error(good))
        for change in (
            {"dimension": 0}, {"dimension": 2**32 + 1, "norm_bound": 2**30}, {"n_max": 0},
            {"n_max": 2**20 + 1}, {"norm_bound": 1023}, {"norm_bound": 2**31}, {"dimension": 2**21},
            {"clip": 1e-10}, {"clip": 1e10}, {"clip": float("nan")}, {"clip": float("inf")},
            {"weight_min": 0}, {"weight_min": 2}, {"weight_max": 2, "max_total_weight": 4},
            {"weight_max": 2**20 + 1, "max_total_weight": 2**21}, {"max_total_weight": 0},
            {"max_total_weight": 3},
        ):  # fmt: skip
            self.assertIsNotNone(constants.range_error(replace(good, **change)), change)


class Payouts(unittest.TestCase):
    """The worked examples of crypto/ledger, and the cases of its tests."""

    def test_split(self) -> None:
        def shares(pool: int, *weights: int) -> list[int]:
            return payouts.split(pool, [(f"p{i}", weight) for i, weight in enumerate(weights)])

        self.assertEqual(shares(100, 1, 1, 1), [34, 33, 33])
        self.assertEqual(shares(10, 6, 6, 2), [4, 4, 2])
        self.assertEqual(shares(11, 6, 6, 2), [5, 5, 1])

    def test_reputation(self) -> None:
        honest = [(number, "included", 0) for number in range(1, 501)]
        self.assertEqual(payouts.reputation([], 9), 500_000)
        self.assertEqual(payouts.reputation(honest, 500), 954_545)
        self.assertEqual(payouts.reputation([*honest, (501, "rejected", 0)], 501), 833_333)
        self.assertEqual(payouts.reputation([(1, "scored", 250_000)], 1), 416_666)

    def test_cases(self) -> None:
        cases = json.loads((Path(__file__).parents[1] / "vectors" / "payouts.json").read_text())
        self.assertEqual((len(cases["splits"]), len(cases["reputations"])), (200, 200))
        for case in cases["splits"]:
            claims = [(subject, weight) for subject, weight in case["claims"]]
            shares = payouts.split(int(case["pool"]), claims)
            self.assertEqual([str(share) for share in shares], case["shares"])
        for case in cases["reputations"]:
            self.assertEqual(payouts.reputation(case["events"], case["at"]), case["ppm"])

    def test_claim_address(self) -> None:
        vectors = json.loads((Path(__file__).parents[1] / "vectors" / "claim-address.json").read_text())

        def accept(message: str) -> messages.ClaimAddress:
            claim = messages.decode_claim_address(bytes.fromhex(message), "claim address")
            require(claim.aggregator_key.hex() == vectors["aggregator_key"], "for another aggregator")
            key = bytes.fromhex(vectors["client_key"])
            check_signature(key, "claim-address", claim.unsigned, claim.signature, "the claim address")
            return claim

        claim = accept(vectors["message"])
        self.assertEqual(claim.subject, vectors["subject"])
        self.assertEqual(claim.address.hex(), vectors["address"])
        self.assertEqual((claim.chain_id, claim.sequence), (vectors["chain_id"], vectors["sequence"]))
        self.assertEqual(len(vectors["refused"]), 8)
        for refused in vectors["refused"]:
            with self.subTest(fault=refused["fault"]), self.assertRaises(Wrong):
                accept(refused["message"])


if __name__ == "__main__":
    unittest.main()
