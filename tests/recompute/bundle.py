"""A published round's folder: bundle.json, bodies/<contribution_id>, sum (wire-formats.md §10)."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codec import Wrong, require


@dataclass(frozen=True)
class Member:
    """One contribution of the bundle."""

    contribution_id: bytes
    header: bytes
    proof: bytes
    attestations: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """The name of the contribution in error messages."""
        return f"contribution {self.contribution_id.hex()}"


@dataclass(frozen=True)
class Bundle:
    """The fields of bundle.json."""

    document: bytes
    aggregator_key: bytes
    aggregator_signature: bytes
    countersignatures: tuple[bytes, ...]
    members: tuple[Member, ...]
    answers: tuple[bytes, ...]
    result: bytes


def _object(value: Any, fields: set[str], where: str) -> dict[str, Any]:
    require(isinstance(value, dict), f"{where}: not a JSON object")
    missing, unknown = sorted(fields - set(value)), sorted(set(value) - fields)
    require(not missing, f"{where}: lacks {missing}")
    require(not unknown, f"{where}: has {unknown}, which the format does not")
    return dict(value)


def _unhex(value: Any, where: str, size: int | None = None) -> bytes:
    hexadecimal = isinstance(value, str) and re.fullmatch(r"(?:[0-9a-f]{2})*", value) is not None
    require(hexadecimal, f"{where}: not lower-case hex")
    data = bytes.fromhex(value)
    require(size is None or len(data) == size, f"{where}: not {size} bytes")
    return data


def _list(value: Any, where: str) -> list[Any]:
    require(isinstance(value, list), f"{where}: not a JSON array")
    return list(value)


def _unhex_list(value: Any, where: str, size: int | None = None) -> tuple[bytes, ...]:
    return tuple(_unhex(item, f"{where}[{i}]", size) for i, item in enumerate(_list(value, where)))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    require(len(set(keys)) == len(keys), "bundle.json: a field occurs twice")
    return dict(pairs)


def _member(value: Any, where: str) -> Member:
    fields = _object(value, {"contribution_id", "header", "proof", "attestations"}, where)
    return Member(
        _unhex(fields["contribution_id"], f"{where}.contribution_id", 16),
        _unhex(fields["header"], f"{where}.header"),
        _unhex(fields["proof"], f"{where}.proof"),
        _unhex_list(fields["attestations"], f"{where}.attestations"),
    )


def parse(text: str) -> Bundle:
    """Parse a bundle from JSON text."""
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"bundle.json: {error}") from error
    names = {"version", "members"} | set(Bundle.__dataclass_fields__)
    fields = _object(value, names, "bundle.json")
    require(type(fields["version"]) is int and fields["version"] == 2, "bundle.json: unknown version")
    members = _list(fields["members"], "bundle.json: members")
    return Bundle(
        document=_unhex(fields["document"], "bundle.json: document"),
        aggregator_key=_unhex(fields["aggregator_key"], "bundle.json: aggregator_key", 32),
        aggregator_signature=_unhex(fields["aggregator_signature"], "bundle.json: aggregator_signature", 64),
        countersignatures=_unhex_list(fields["countersignatures"], "bundle.json: countersignatures", 64),
        members=tuple(_member(member, f"bundle.json: members[{i}]") for i, member in enumerate(members)),
        answers=_unhex_list(fields["answers"], "bundle.json: answers"),
        result=_unhex(fields["result"], "bundle.json: result"),
    )


def read(folder: Path, name: str) -> bytes:
    """The bytes of a file in the folder."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise Wrong(f"{name}: {error.strerror}") from error


def load(folder: Path) -> Bundle:
    """The bundle of a folder."""
    try:
        return parse(read(folder, "bundle.json").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Wrong("bundle.json: not UTF-8") from error
