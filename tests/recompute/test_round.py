"""Tests that a round made in Python recomputes, and that the error names each spoiled part."""

import contextlib
import copy
import io
import json
import struct
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bundle
import document as documents
import messages
import recompute
from codec import Wrong
from document import Payout, Section, Tensor
from edwards import ORDER
from fake_round import FakeRound, Published, secret, sign_raw, signed
from ring import Q


def run(published: Published, *options: str, remove: str | None = None) -> tuple[int, str]:
    """The status and the output of recompute.py on a folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        published.write(folder)
        if remove:
            (folder / remove).unlink()
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = recompute.main([*options, str(folder)])
    return status, output.getvalue()


def resign(encoded: str, name: str, label: str, change: Callable[[bytearray], None]) -> str:
    """Change the unsigned part of a structure and sign it again."""
    unsigned = bytearray(bytes.fromhex(encoded)[:-64])
    change(unsigned)
    return signed(name, label, bytes(unsigned)).hex()


def flip(encoded: str, position: int = -1) -> str:
    """Change one bit of one byte."""
    data = bytearray.fromhex(encoded)
    data[position] ^= 1
    return data.hex()


def flipper(offset: int) -> Callable[[bytearray], None]:
    """A change of one bit of one byte."""

    def change(data: bytearray) -> None:
        data[offset] ^= 1

    return change


def adder(offset: int, form: str, amount: int) -> Callable[[bytearray], None]:
    """A change that adds to an integer field."""

    def change(data: bytearray) -> None:
        (value,) = struct.unpack_from("<" + form, data, offset)
        struct.pack_into("<" + form, data, offset, value + amount)

    return change


ROUND = FakeRound()
PUBLISHED = ROUND.publish()
ROOT, COUNT = 4 + 2 + 32, 4 + 2 + 32 + 32
"""Offsets of fields that answers and results share."""
KEY_SUM = COUNT + 4 + 1
BLINDING_SUM = KEY_SUM + 4 * 2048


def with_key(holder: int, start: int, wrong: bytes | None) -> tuple[documents.Holder, ...]:
    """The holders, with bytes of one's key changed. Without bytes the point is 1, top bit set."""
    holders = list(ROUND.document.holders)
    key = bytearray(holders[holder].hpke_public_key)
    if wrong is None:
        start, wrong = len(key) - 32, b"\1" + bytes(30) + b"\x80"
    start %= len(key)
    key[start : start + len(wrong)] = wrong
    holders[holder] = replace(holders[holder], hpke_public_key=bytes(key))
    return tuple(holders)


class RoundTest(unittest.TestCase):
    """The common base of the cases below."""

    def assert_wrong(self, published: Published, message: str, remove: str | None = None) -> None:
        """Check that the run stops with one line that has the message."""
        status, output = run(published, remove=remove)
        self.assertEqual(status, 1, output)
        self.assertRegex(output, r"\Awrong: [^\n]+\n\Z")
        self.assertIn(message, output)

    def published(self) -> Any:
        """A copy of the published round that a test may spoil."""
        return copy.deepcopy(PUBLISHED)

    def round(self) -> FakeRound:
        """A copy of the round that a test may change before it is published."""
        return copy.deepcopy(ROUND)


class Complete(RoundTest):
    """Rounds that recompute."""

    def test_line(self) -> None:
        status, output = run(PUBLISHED)
        expected = "ok: 3 contributions, 3000 coordinates, sum and root recomputed\n"
        self.assertEqual((status, output), (0, expected))

    def test_command(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            PUBLISHED.write(Path(folder))
            command = [sys.executable, recompute.__file__, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout[:4], done.stderr), (0, "ok: ", ""))

    def test_json(self) -> None:
        status, output = run(PUBLISHED, "--json")
        value = json.loads(output)
        self.assertEqual((status, value["ok"]), (0, True))
        self.assertEqual((value["contributions"], value["coordinates"]), (3, 3000))
        self.assertEqual(value["total_weight"], 10 + 11 + 12)

    def test_json_when_wrong(self) -> None:
        published = self.published()
        published.sum = published.sum[:-8]
        status, output = run(published, "--json")
        self.assertEqual((status, json.loads(output)["ok"]), (1, False))

    def test_words_of_32_bits_two_holders_and_a_proof(self) -> None:
        made = FakeRound(holders=2, proof=2, norm_bound=2**17)
        self.assertEqual((made.document.word_bits, ROUND.document.word_bits), (32, 37))
        self.assertEqual(run(made.publish())[0], 0)
        published: Any = made.publish()
        published.bundle["members"][1]["proof"] = flip(published.bundle["members"][1]["proof"])
        self.assert_wrong(published, "the proof is not the one of the header")
        published.bundle["members"][1]["proof"] = ""
        self.assert_wrong(published, "the proof has 0 bytes")


class BundleFile(RoundTest):
    """The JSON and the files beside it."""

    def test_fields(self) -> None:
        for field in ("version", "document", "members", "answers", "result", "countersignatures"):
            published = self.published()
            del published.bundle[field]
            self.assert_wrong(published, f"bundle.json: lacks ['{field}']")
        published = self.published()
        published.bundle["extra\n"] = 1
        self.assert_wrong(published, "which the format does not")

    def test_values(self) -> None:
        for field, value, message in (
            ("version", 1, "unknown version"),
            ("version", True, "unknown version"),
            ("result", "AB", "not lower-case hex"),
            ("result", "abc", "not lower-case hex"),
            ("aggregator_key", "ab", "not 32 bytes"),
            ("members", {}, "not a JSON array"),
            ("answers", [3], "answers[0]: not lower-case hex"),
        ):
            published = self.published()
            published.bundle[field] = value
            self.assert_wrong(published, message)

    def test_text(self) -> None:
        for text, message in (
            ("[]", "bundle.json: not a JSON object"),
            ('{"version": 2, "version": 2}', "a field occurs twice"),
            ("{", "bundle.json: Expecting"),
            ("[" * 100000, "bundle.json: "),
        ):
            with self.assertRaisesRegex(Wrong, message):
                bundle.parse(text)

    def test_missing_files(self) -> None:
        name = f"bodies/{ROUND.contributions[1].contribution_id.hex()}"
        for remove in ("bundle.json", name, "sum"):
            self.assert_wrong(PUBLISHED, f"{remove}: No such file", remove=remove)


class DocumentPart(RoundTest):
    """The round document and its signatures."""

    def assert_wrong_document(self, message: str, **fields: Any) -> None:
        """Put other fields into the document and leave the rest of the bundle as it is."""
        published = self.published()
        published.bundle["document"] = documents.encode(replace(ROUND.document, **fields)).hex()
        self.assert_wrong(published, message)

    def test_encoding(self) -> None:
        encoded = PUBLISHED.bundle["document"]
        assert isinstance(encoded, str)
        for spoiled, message in (
            (encoded + "00", "document: trailing bytes"),
            (encoded[:-2], "document: truncated"),
            (flip(encoded, 0), "document: does not start with BSRD"),
            (encoded[:8] + "01" + encoded[10:], "document: version 1 is not known; this program reads version 2"),
            (encoded.replace(b"model.bin".hex(), b"model.\xff\xff\xff".hex()), "model_location is not UTF-8"),
        ):
            published = self.published()
            published.bundle["document"] = spoiled
            self.assert_wrong(published, message)

    def test_rules(self) -> None:
        document = ROUND.document
        gap = (document.tensors[0], Tensor("b", (1500,), 1501))
        large = (Tensor("b", (2**10, 2**10), 0),)
        for message, fields in (
            ("does not follow the one before it", {"tensors": gap}),
            ("not the sum of the tensors' sizes", {"dimension": 2999}),
            ("the norm bound of the smallest weight", {"norm_bound": 100 * 1024 - 1}),
            (
                "the norm bound of the smallest weight",
                {"norm_bound": 100 * 4096 - 1, "dimension": 2**20, "tensors": large},
            ),
            ("no scale and transport width fit", {"norm_bound": 2**31 - 1, "max_contributions": 2**20}),
            ("min_cohort", {"min_cohort": 1}),
            ("min_cohort", {"min_cohort": 6}),
            ("the clip", {"clip": float("nan")}),
            ("the weights", {"weight_min": 0}),
            ("the weights", {"weight_max": 2**20 + 1}),
            ("the times", {"closes_at": 1999}),
            ("the times", {"attest_by": 2999}),
            ("the times", {"release_by": 3999}),
            ("min_effective", {"min_effective": 0}),
            ("min_effective", {"min_effective": 3}),
            ("max_total_weight", {"max_total_weight": 99}),
            ("max_total_weight", {"max_total_weight": 501}),
            ("the tolerance", {"colluding": 0}),
            ("the tolerance", {"absent": 1}),
            ("unknown proof kind 1", {"proof": 1}),
            ("max_attempts", {"max_attempts": 9}),
            ("has a scale", {"tensors": (replace(document.tensors[0], scale=2.0), document.tensors[1])}),
            ("updates are normalised", {"normalise_floor": 0.5}),
            ("scoring has version 1", {"scoring": Section(1, b"s")}),
            ("noise has version 2", {"noise": Section(2, b"")}),
            ("evaluations has version 255", {"evaluations": Section(255, bytes(2**16))}),
            ("a section of 65537 bytes", {"noise": Section(1, bytes(2**16 + 1))}),
            ("unknown payout policy 4", {"payout": Payout(4, 1, None)}),
            ("the pool is not from 1 to 2^96 - 1", {"payout": Payout(1, 0, None)}),
            ("the pool is not from 1 to 2^96 - 1", {"payout": Payout(1, 1 << 96, None)}),
            ("the token's chain", {"payout": Payout(1, 1, (0, bytes(19) + b"1"))}),
            ("the token's chain", {"payout": Payout(1, 1, (2**63, bytes(19) + b"1"))}),
            ("the token's contract is zero", {"payout": Payout(1, 1, (1, bytes(20)))}),
            ("min_reputation", {"min_reputation": 10**6 + 1}),
            ("share holders", {"holders": document.holders[:1]}),
            ("the ML-KEM key of holder 1 is not reduced", {"holders": with_key(1, 0, b"\xff\xff\xff")}),
            ("the X25519 key of holder 2 is of small order", {"holders": with_key(2, -32, bytes(32))}),
            ("the X25519 key of holder 0 is of small order", {"holders": with_key(0, -1, None)}),
            ("has rank 9", {"tensors": (Tensor("b", (1,) * 9, 0),)}),
            ("longer than 256 bytes", {"tensors": (Tensor("b" * 257, (1,), 0),)}),
            ("longer than 512 bytes", {"model_location": "m" * 513}),
        ):
            self.assert_wrong_document(message, **fields)

    def test_constants(self) -> None:
        document = ROUND.document
        for field in ("scale_log2", "transport_bits", "noisy_norm_bound"):
            value = getattr(document, field)
            self.assert_wrong_document(f"{field} should be {value}", **{field: value - 1})
        self.assert_wrong_document("scale should be", scale=document.scale * (1 + 2**-52))

    def test_signatures(self) -> None:
        published = self.published()
        published.bundle["aggregator_signature"] = flip(published.bundle["aggregator_signature"])
        self.assert_wrong(published, "document: the aggregator's signature does not verify")
        published = self.published()
        published.bundle["countersignatures"][1] = flip(published.bundle["countersignatures"][1], 0)
        self.assert_wrong(published, "document: the countersignature of holder 2 does not verify")
        published = self.published()
        published.bundle["countersignatures"].reverse()
        self.assert_wrong(published, "document: the countersignature of holder 1 does not verify")
        published = self.published()
        published.bundle["countersignatures"].pop()
        self.assert_wrong(published, "document: 1 countersignatures")

    def test_aggregator_key(self) -> None:
        published = self.published()
        published.bundle["aggregator_key"] = ROUND.document.holders[1].identity_key.hex()
        self.assert_wrong(published, "aggregator_key is not the first holder's identity key")

    def test_another_document_of_the_same_form(self) -> None:
        self.assert_wrong_document("the aggregator's signature does not verify", round_id=bytes(16))


class Contributions(RoundTest):
    """Headers, bodies and attestations."""

    def assert_wrong_contribution(self, message: str, **fields: Any) -> None:
        """Replace contribution 1 and sign everything that follows from it again."""
        made = self.round()
        made.contributions[1] = replace(made.contributions[1], **fields)
        self.assert_wrong(made.publish(), message)

    def test_header_fields(self) -> None:
        self.assert_wrong_contribution("the header is of another round", round_hash=bytes(32))
        self.assert_wrong_contribution("the credential's signature does not verify", registrar="another")
        self.assert_wrong_contribution("a credential of epoch 4", epoch=4)
        self.assert_wrong_contribution("weight 101 is not allowed", weight=101)
        self.assert_wrong_contribution("is more than the credential's 10", max_weight=10)
        self.assert_wrong_contribution("a largest weight of 0", max_weight=0)
        self.assert_wrong_contribution("the header has a clip step", optional=b"\1\7\0")
        self.assert_wrong_contribution("the header has a trace root", optional=b"\0\1" + bytes(32))
        self.assert_wrong_contribution("clip_step is neither absent nor present", optional=b"\2\0")
        self.assert_wrong_contribution("weight 0 is not allowed", weight=0)
        self.assert_wrong_contribution("header: a subject of 65 bytes", subject="s" * 65)
        self.assert_wrong_contribution("header: the subject has other characters", subject="a b")
        self.assert_wrong_contribution("a proof of 1 bytes", proof=b"p")
        commitments = ROUND.contributions[1].commitments
        self.assert_wrong_contribution("4 commitments", commitments=commitments + commitments[:1])
        outside = [b"\1" + bytes(31), *commitments[1:]]
        message = "the commitment for holder 0 is not a group element"
        self.assert_wrong_contribution(message, commitments=outside)
        swapped = [commitments[1], commitments[0], commitments[2]]
        self.assert_wrong_contribution("answer of holder 0: does not open", commitments=swapped)

    def test_header_bytes(self) -> None:
        with self.assertRaisesRegex(Wrong, "longer than 4096 bytes"):
            messages.decode_header(bytes(4097), "header")
        for position, message in (
            (-1, "the client's signature does not verify"),
            (0, "header: does not start with BSCH"),
            (40, "the header has another contribution id"),
            (4 + 2 + 32 + 16 + 1 + 8, "the credential's signature does not verify"),
        ):
            published = self.published()
            member = published.bundle["members"][0]
            member["header"] = flip(member["header"], position)
            self.assert_wrong(published, message)

    def test_proof_kind(self) -> None:
        self.assert_wrong_contribution("unknown proof kind 1", proof_kind=1)
        self.assert_wrong_contribution("proof kind 2", proof_kind=2, proof=b"p")

    def test_duplicate_subject(self) -> None:
        subject = ROUND.contributions[0].subject
        self.assert_wrong_contribution(f"the subject {subject} occurs twice", subject=subject)

    def test_duplicate_contribution(self) -> None:
        identifier = ROUND.contributions[0].contribution_id
        self.assert_wrong_contribution("the contribution id occurs twice", contribution_id=identifier)

    def test_body(self) -> None:
        for name, body in PUBLISHED.bodies.items():
            published = self.published()
            published.bodies[name] = bytes.fromhex(flip(body.hex(), 1000))
            self.assert_wrong(published, f"contribution {name}: the body's digest is")
        published = self.published()
        published.bodies[name] = body + bytes(8)
        self.assert_wrong(published, "the body has")

    def test_word_that_is_not_canonical(self) -> None:
        words = list(ROUND.contributions[1].words)
        words[2500] = ((Q - 1) >> ROUND.document.transport_bits) + 1
        self.assert_wrong_contribution("coefficient 2500 of the body is not canonical", words=words)

    def test_word_that_is_otherwise(self) -> None:
        """A body that its client signed, but that is not what the published sum adds."""
        words = list(ROUND.contributions[1].words)
        words[2500] ^= 1 << (ROUND.document.word_bits - 2)
        self.assert_wrong_contribution("sum: word 2500 is", words=words)

    def test_swapped_attestations(self) -> None:
        published = self.published()
        first, second = published.bundle["members"][:2]
        first["attestations"], second["attestations"] = second["attestations"], first["attestations"]
        self.assert_wrong(published, "attestation of holder 1: of another header")
        published = self.published()
        published.bundle["members"][2]["attestations"].reverse()
        self.assert_wrong(published, "attestation of holder 1: of holder 2")

    def test_attestation_fields(self) -> None:
        for position, message in (
            (6, "of another round"),
            (38, "of another header"),
            (70, "of another client"),
            (102, "of holder 0"),
            (103, "of another commitment"),
            (-1, "the signature does not verify"),
        ):
            published = self.published()
            attestations = published.bundle["members"][1]["attestations"]
            attestations[0] = flip(attestations[0], position)
            self.assert_wrong(published, f"attestation of holder 1: {message}")
        published = self.published()
        published.bundle["members"][1]["attestations"].pop()
        self.assert_wrong(published, "1 attestations")


class Closing(RoundTest):
    """The root, the answers, the sum and the result."""

    def assert_wrong_answer(self, h: int, message: str, change: Callable[[bytearray], None]) -> None:
        """Change an answer and sign it again."""
        published = self.published()
        answers = published.bundle["answers"]
        answers[h] = resign(answers[h], f"holder {h}", "release-answer", change)
        self.assert_wrong(published, f"answer of holder {h}: {message}")

    def assert_wrong_result(self, message: str, change: Callable[[bytearray], None]) -> None:
        """Change the result and sign it again."""
        published = self.published()
        published.bundle["result"] = resign(published.bundle["result"], "holder 0", "result", change)
        self.assert_wrong(published, f"result: {message}")

    def test_order_of_the_members(self) -> None:
        published = self.published()
        published.bundle["members"].reverse()
        self.assert_wrong(published, "not in ascending order")

    def test_root(self) -> None:
        self.assert_wrong_result("the root of the members is", flipper(ROOT))
        published = self.published()
        published.bundle["members"].pop()
        self.assert_wrong(published, "result: the root of the members is")

    def test_cohort(self) -> None:
        made = self.round()
        del made.contributions[1:]
        self.assert_wrong(made.publish(), "members: 1, not 2 to 5")
        published = self.published()
        published.bundle["members"] = []
        self.assert_wrong(published, "result: the root of the members is e3b0c442")

    def test_answer_coefficient(self) -> None:
        for h in range(3):
            self.assert_wrong_answer(h, "does not open the sum", adder(KEY_SUM + 4 * 777, "i", 1))

    def test_answer_fields(self) -> None:
        self.assert_wrong_answer(0, "of another round", flipper(6))
        self.assert_wrong_answer(1, "for another root", flipper(ROOT))
        self.assert_wrong_answer(1, "for 4 members", adder(COUNT, "I", 1))
        self.assert_wrong_answer(1, "of holder 0", flipper(COUNT + 4))
        self.assert_wrong_answer(2, "coefficient [3] is out of range", adder(KEY_SUM + 12, "i", 200))
        self.assert_wrong_answer(2, "coefficient [3] is out of range", adder(KEY_SUM + 12, "i", -200))

    def test_answer_blinding(self) -> None:
        def next_blinding(data: bytearray) -> None:
            blinding = int.from_bytes(data[BLINDING_SUM:], "little")
            data[BLINDING_SUM:] = ((blinding + 1) % ORDER).to_bytes(32, "little")

        def above_the_order(data: bytearray) -> None:
            blinding = int.from_bytes(data[BLINDING_SUM:], "little")
            data[BLINDING_SUM:] = (blinding + ORDER).to_bytes(32, "little")

        self.assert_wrong_answer(1, "does not open the sum", next_blinding)
        self.assert_wrong_answer(1, "the blinding sum is not canonical", above_the_order)

    def test_answer_signature(self) -> None:
        for position in (-1, -64, KEY_SUM):
            published = self.published()
            published.bundle["answers"][1] = flip(published.bundle["answers"][1], position)
            self.assert_wrong(published, "answer of holder 1: the signature does not verify")

    def test_missing_answer(self) -> None:
        published = self.published()
        published.bundle["answers"].pop()
        self.assert_wrong(published, "answers: 2, not 3")

    def test_sum(self) -> None:
        published = self.published()
        (value,) = struct.unpack_from("<q", published.sum, 8 * 4095)
        published.sum = published.sum[:-8] + struct.pack("<q", value + 1)
        self.assert_wrong(published, f"sum: word 4095 is {value + 1}, recomputed {value}")
        published.sum = published.sum[:-8]
        self.assert_wrong(published, "sum: 32760 bytes, not 32768")

    def test_result_fields(self) -> None:
        self.assert_wrong_result("of another round", flipper(6))
        self.assert_wrong_result("for 2 members", adder(COUNT, "I", -1))
        self.assert_wrong_result("the total weight is 33", adder(COUNT + 4, "Q", 1))
        self.assert_wrong_result("the sum's digest is", flipper(COUNT + 12))
        self.assert_wrong_result("the largest residual is", adder(COUNT + 44, "Q", 1))

    def test_result_signature(self) -> None:
        published = self.published()
        published.bundle["result"] = flip(published.bundle["result"])
        self.assert_wrong(published, "result: the signature does not verify")
        published = self.published()
        unsigned = bytes.fromhex(published.bundle["result"])[:-64]
        published.bundle["result"] = (unsigned + sign_raw(secret("holder 0"), unsigned)).hex()
        self.assert_wrong(published, "result: the signature does not verify")


if __name__ == "__main__":
    unittest.main()
