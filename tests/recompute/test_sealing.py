"""Sealing against the vectors of the drafts and our own (tests/vectors/sealing.json)."""

import json
import unittest
from pathlib import Path

import sealing
import xwing
from codec import Wrong

VECTORS = json.loads((Path(__file__).parent / "../vectors/sealing.json").read_text(encoding="utf-8"))


def field(vector: dict[str, str], name: str) -> bytes:
    return bytes.fromhex(vector[name])


def changed(data: bytes, fault: dict[str, str]) -> bytes:
    """The bytes with those of a fault written over them."""
    start, other = int(fault["at"]), field(fault, "bytes")
    return data[:start] + other + data[start + len(other) :]


class Drafts(unittest.TestCase):
    def test_x_wing(self) -> None:
        """The vectors of draft-connolly-cfrg-xwing-kem."""
        self.assertEqual(len(VECTORS["x_wing"]), 3)
        for vector in VECTORS["x_wing"]:
            public = xwing.public_key(field(vector, "seed"))
            self.assertEqual(public, field(vector, "pk"))
            shared, encapsulated = xwing.encapsulate(public, field(vector, "eseed"))
            self.assertEqual((shared, encapsulated), (field(vector, "ss"), field(vector, "ct")))
            self.assertEqual(xwing.decapsulate(field(vector, "seed"), encapsulated), shared)

    def test_hpke(self) -> None:
        """A vector of draft-ietf-hpke-pq: X-Wing, HKDF-SHA256, ChaCha20-Poly1305."""
        vector = VECTORS["hpke"]
        public = xwing.public_key(field(vector, "skRm"))
        self.assertEqual(public, field(vector, "pkRm"))
        info, data, plaintext = (field(vector, name) for name in ("info", "aad", "pt"))
        sealed = sealing.hpke_seal(public, info, plaintext, data, field(vector, "ikmE"))
        self.assertEqual(sealed, field(vector, "enc") + field(vector, "ct"))
        self.assertEqual(sealing.hpke_open(field(vector, "skRm"), info, sealed, data), plaintext)


class Own(unittest.TestCase):
    def test_seals(self) -> None:
        own = [sealing.own_vector(int(v["holder"]), v["commitments"]) for v in VECTORS["own"]]
        self.assertEqual(own, VECTORS["own"])
        self.assertEqual([len(field(v, "sealed")) for v in VECTORS["own"]], [1168, 1168])

    def test_refused_keys(self) -> None:
        public = field(VECTORS["own"][0], "public")
        self.assertTrue(xwing.may_be_sealed_to(public))
        self.assertFalse(xwing.may_be_sealed_to(public[:-1]))
        self.assertEqual(len(VECTORS["refused_keys"]), 18)
        for fault in VECTORS["refused_keys"]:
            with self.subTest(fault["fault"]):
                self.assertFalse(xwing.may_be_sealed_to(changed(public, fault)))

    def test_refused_seals(self) -> None:
        sealed = field(VECTORS["own"][0], "sealed")
        sealing.check_sealed(sealed)
        self.assertEqual(len(VECTORS["refused_seals"]), 14)
        for fault in VECTORS["refused_seals"]:
            with self.subTest(fault["fault"]), self.assertRaises(Wrong):
                sealing.check_sealed(changed(sealed, fault))

    def test_closed_seals(self) -> None:
        """They break no public rule and do not open."""
        vector = VECTORS["own"][0]
        sealed = field(vector, "sealed")
        self.assertEqual(len(VECTORS["closed_seals"]), 8)
        for fault in VECTORS["closed_seals"]:
            with self.subTest(fault["fault"]):
                faulty = changed(sealed, fault)
                sealing.check_sealed(faulty)
                with self.assertRaises(Wrong):
                    sealing.open_vector(vector, faulty)


if __name__ == "__main__":
    unittest.main()
