"""The conventions of docs/wire-formats.md §1: fields, labelled hashes and signatures, trees."""

import hashlib
import struct
from collections.abc import Sequence
from typing import NoReturn

import ed25519


class Wrong(Exception):
    """Something in the folder is not what the page says; the message is one line that names it."""


def require(condition: bool, what: str) -> None:
    """Stop at the first wrong thing."""
    if not condition:
        raise Wrong(what)


class Reader:
    """Reads the fields of one structure; every error names the structure."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._position = 0
        self._name = name

    def fail(self, what: str) -> NoReturn:
        """Refuse the structure."""
        raise Wrong(f"{self._name}: {what}")

    def require(self, condition: bool, what: str) -> None:
        """Refuse the structure unless the condition holds."""
        if not condition:
            self.fail(what)

    def take(self, count: int) -> bytes:
        """bytes[count]."""
        end = self._position + count
        self.require(end <= len(self._data), "truncated")
        field = self._data[self._position : end]
        self._position = end
        return field

    def integer(self, form: str) -> int:
        """An integer in one of the formats of struct: B, H, I, Q, i, q."""
        (value,) = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return int(value)

    def f64(self) -> float:
        """The bits of an IEEE 754 double."""
        (value,) = struct.unpack("<d", self.take(8))
        return float(value)

    def text(self, field: str, limit: int) -> str:
        """u16 length and UTF-8, at most limit bytes."""
        encoded = self.take(self.integer("H"))
        self.require(len(encoded) <= limit, f"{field} is longer than {limit} bytes")
        try:
            return encoded.decode("utf-8")
        except UnicodeDecodeError:
            self.fail(f"{field} is not UTF-8")

    def start(self, magic: bytes) -> None:
        """The four bytes and the version that a top-level structure starts with."""
        self.require(self.take(4) == magic, f"does not start with {magic.decode()}")
        self.require(self.integer("H") == 1, "unknown version")

    def end(self) -> None:
        """A decoder refuses trailing bytes."""
        self.require(self._position == len(self._data), "trailing bytes")


def write_text(value: str) -> bytes:
    """u16 length and UTF-8."""
    encoded = value.encode("utf-8")
    return struct.pack("<H", len(encoded)) + encoded


def labelled(label: str, message: bytes) -> bytes:
    """What H hashes and Sign signs."""
    return b"blindsum/v1/" + label.encode() + b"\0" + message


def labelled_hash(label: str, message: bytes) -> bytes:
    """H(label, message)."""
    return hashlib.sha256(labelled(label, message)).digest()


def check_signature(key: bytes, label: str, message: bytes, signature: bytes, what: str) -> None:
    """Stop unless the signature is Sign(key, label, message)."""
    require(ed25519.verify(key, labelled(label, message), signature), f"{what} does not verify")


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 §2.1.1 with SHA-256."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()
