"""Recompute a round from its published audit bundle, from docs/wire-formats.md alone.

    python3 recompute.py [--json] DIR

DIR has bundle.json, bodies/<contribution_id> and sum. The first wrong thing ends the run with
`wrong: …` and status 1. The aggregator's key is taken from the bundle: compare the one that --json
prints with the key you expect.
"""

import argparse
import functools
import itertools
import json
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import bodies
import bundle as bundles
import commitments
import document as documents
import edwards
import members
import messages
import ristretto255
from codec import Wrong, check_signature, labelled_hash, merkle_root, require


class Audit:
    """One round. Each check relies on the checks before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}

    def run(self) -> None:
        """Run every check in order and time it."""
        checks: list[tuple[str, Callable[[], None]]] = [
            ("document", self.check_document),
            ("document signatures", self.check_document_signatures),
            ("headers", self.check_headers),
            ("bodies", self.check_bodies),
            ("attestations", self.check_attestations),
            ("root", self.check_root),
            ("generators", self.make_generators),
            ("answers", self.check_answers),
            ("sum", self.check_sum),
            ("result", self.check_result),
        ]
        for name, check in checks:
            start = time.perf_counter()
            check()
            self.seconds[name] = round(time.perf_counter() - start, 3)

    def check_document(self) -> None:
        """Parse the bundle. Check that the document is canonical, its rules and its constants."""
        self.bundle = bundles.load(self.folder)
        self.document = documents.decode(self.bundle.document)
        self.round_hash = labelled_hash("round", self.bundle.document)

    def check_document_signatures(self) -> None:
        """Check the aggregator's signature and every combiner's countersignature."""
        holders = self.document.holders
        key = self.bundle.aggregator_key
        same_key = key == holders[0].identity_key
        require(same_key, "bundle.json: aggregator_key is not the first holder's identity key")
        signature = self.bundle.aggregator_signature
        check_signature(
            key, "round-document", self.round_hash, signature, "document: the aggregator's signature"
        )
        signatures = self.bundle.countersignatures
        require(len(signatures) == len(holders) - 1, f"document: {len(signatures)} countersignatures")
        for h, signature in enumerate(signatures, start=1):
            message = self.round_hash + bytes([h])
            what = f"document: the countersignature of holder {h}"
            check_signature(holders[h].identity_key, "round-countersignature", message, signature, what)

    def check_headers(self) -> None:
        """Check each member's header. Then check that no subject and no contribution id repeats."""
        listed = self.bundle.members
        self.headers = [members.check_header(member, self.document, self.round_hash) for member in listed]
        members.check_distinct(listed, self.headers)

    def check_bodies(self) -> None:
        """Check each body's digest and that its words are canonical. Sum the words."""
        document = self.document
        size = document.padded_dimension * document.word_bits // 8
        self.word_sums = np.zeros(document.padded_dimension, dtype=np.uint64)
        for member, header in zip(self.bundle.members, self.headers, strict=True):
            body = bundles.read(self.folder, f"bodies/{member.contribution_id.hex()}")
            require(len(body) == size, f"{member.name}: the body has {len(body)} bytes, not {size}")
            digest = bodies.body_digest(body, document.word_bits)
            require(digest == header.body_digest, f"{member.name}: the body's digest is {digest.hex()}")
            words = bodies.unpack(body, document.word_bits)
            refused = bodies.first_refused(words, document.transport_bits)
            require(refused is None, f"{member.name}: coefficient {refused} of the body is not canonical")
            self.word_sums += words

    def check_attestations(self) -> None:
        """Check that each combiner attested its share of each member."""
        for member, header in zip(self.bundle.members, self.headers, strict=True):
            members.check_attestations(member, header, self.document, self.round_hash)

    def check_root(self) -> None:
        """Check the order of the members, their root in the result, and their number."""
        hashes = [labelled_hash("contribution-header", member.header) for member in self.bundle.members]
        ascending = all(a < b for a, b in itertools.pairwise(hashes))
        require(ascending, "members: the header hashes are not in ascending order")
        self.root = merkle_root(hashes)
        self.result = messages.decode_result(self.bundle.result)
        require(self.result.root == self.root, f"result: the root of the members is {self.root.hex()}")
        bounds = (self.document.min_cohort, self.document.max_contributions)
        require(
            bounds[0] <= len(hashes) <= bounds[1], f"members: {len(hashes)}, not {bounds[0]} to {bounds[1]}"
        )

        self._check_weights()

    def _check_weights(self) -> None:
        weights = [header.weight for header in self.headers]
        total, largest = sum(weights), self.document.max_total_weight
        require(total <= largest, f"members: their weights add up to {total}, more than {largest}")
        enough = total**2 >= self.document.min_effective * sum(w**2 for w in weights)
        require(enough, "members: the effective size of their weights is below min_effective")

    def make_generators(self) -> None:
        """Derive the generators of the commitments. A separate step, since it takes a while."""
        commitments.generators()

    def check_answers(self) -> None:
        """Check that every holder answered for these members and opened their commitments' sum."""
        answers, holders = self.bundle.answers, self.document.holders
        require(len(answers) == len(holders), f"answers: {len(answers)}, not {len(holders)}")
        self.answers = [self._check_answer(h, encoded) for h, encoded in enumerate(answers)]

    def _check_answer(self, h: int, encoded: bytes) -> messages.Answer:
        name, count = f"answer of holder {h}", len(self.headers)
        answer = messages.decode_answer(encoded, name)
        require(answer.round_hash == self.round_hash, f"{name}: of another round")
        require(answer.root == self.root, f"{name}: for another root")
        require(answer.count == count, f"{name}: for {answer.count} members")
        require(answer.holder == h, f"{name}: of holder {answer.holder}")
        key = self.document.holders[h].identity_key
        check_signature(key, "release-answer", answer.unsigned, answer.signature, f"{name}: the signature")
        outside = np.flatnonzero(np.abs(answer.key_sum) > 32 * count)
        require(len(outside) == 0, f"{name}: coefficient {outside[:1].tolist()} is out of range")
        points = []
        for member, header in zip(self.bundle.members, self.headers, strict=True):
            point = ristretto255.decode(header.commitments[h])
            if point is None:
                raise Wrong(f"{member.name}: the commitment for holder {h} is not a group element")
            points.append(point)
        total = functools.reduce(edwards.add, points)
        opened = commitments.opens(total, answer.key_sum.tolist(), answer.blinding_sum)
        require(opened, f"{name}: does not open the sum of the commitments")
        return answer

    def check_sum(self) -> None:
        """Compute the sum from the bodies and the answers. Compare it with the published sum."""
        document = self.document
        key_sums = [answer.key_sum for answer in self.answers]
        sums, self.residual_max = bodies.unmask(
            self.word_sums, key_sums, document.mask_seed, document.transport_bits, document.scale_log2
        )
        self.sum_bytes = sums.astype("<i8").tobytes()
        published = bundles.read(self.folder, "sum")
        size = len(self.sum_bytes)
        require(len(published) == size, f"sum: {len(published)} bytes, not {size}")
        different = np.flatnonzero(np.frombuffer(published, dtype="<i8") != sums)
        if len(different):
            word = int(different[0])
            (value,) = struct.unpack_from("<q", published, 8 * word)
            raise Wrong(f"sum: word {word} is {value}, recomputed {sums[word]}")

    def check_result(self) -> None:
        """Check the other fields of the result, and its signature."""
        result = self.result
        self.sum_digest = bodies.sum_digest(self.sum_bytes)
        self.total_weight = sum(header.weight for header in self.headers)
        require(result.round_hash == self.round_hash, "result: of another round")
        require(result.count == len(self.headers), f"result: for {result.count} members")
        require(result.sum_digest == self.sum_digest, f"result: the sum's digest is {self.sum_digest.hex()}")
        require(result.total_weight == self.total_weight, f"result: the total weight is {self.total_weight}")
        same_residual = result.residual_max == self.residual_max
        require(same_residual, f"result: the largest residual is {self.residual_max}")
        key = self.document.holders[0].identity_key
        check_signature(key, "result", result.unsigned, result.signature, "result: the signature")

    def summary(self) -> dict[str, object]:
        """The recomputed values."""
        return {
            "ok": True,
            "round_id": self.document.round_id.hex(),
            "round_hash": self.round_hash.hex(),
            "aggregator_key": self.bundle.aggregator_key.hex(),
            "contributions": len(self.headers),
            "coordinates": self.document.dimension,
            "root": self.root.hex(),
            "sum_digest": self.sum_digest.hex(),
            "total_weight": self.total_weight,
            "residual_max": self.residual_max,
            "seconds": self.seconds,
        }


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Recompute a round from its published audit bundle.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("folder", metavar="DIR", type=Path, help="bundle.json, bodies/ and sum")
    options = parser.parse_args(arguments)
    audit = Audit(options.folder)
    try:
        audit.run()
    except Wrong as wrong:
        print(json.dumps({"ok": False, "wrong": str(wrong)}) if options.json else f"wrong: {wrong}")
        return 1
    contributions, coordinates = len(audit.headers), audit.document.dimension
    line = f"ok: {contributions} contributions, {coordinates} coordinates, sum and root recomputed"
    print(json.dumps(audit.summary()) if options.json else line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
