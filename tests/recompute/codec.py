"""The conventions of docs/wire-formats.md §1: fields, labelled hashes and signatures, trees."""

import hashlib
import struct
from collections.abc import Sequence
from typing import NoReturn

import ed25519


class Wrong(Exception):
    """A file breaks a rule of the page. The message is one line with the file and the rule."""


def require(condition: bool, what: str) -> None:
    """Raise Wrong with this message unless the condition holds."""
    if not condition:
        raise Wrong(what)


class Reader:
    """Reads the fields of one structure. Every error names the structure."""

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
        """Read bytes[count]."""
        end = self._position + count
        self.require(end <= len(self._data), "truncated")
        field = self._data[self._position : end]
        self._position = end
        return field

    def integer(self, form: str) -> int:
        """Read an integer in a format of the struct module: B, H, I, Q, i or q."""
        (value,) = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return int(value)

    def f64(self) -> float:
        """Read an IEEE 754 double."""
        (value,) = struct.unpack("<d", self.take(8))
        return float(value)

    def text(self, field: str, limit: int) -> str:
        """Read a text: a u16 length, then at most limit bytes of UTF-8."""
        encoded = self.take(self.integer("H"))
        self.require(len(encoded) <= limit, f"{field} is longer than {limit} bytes")
        try:
            return encoded.decode("utf-8")
        except UnicodeDecodeError:
            self.fail(f"{field} is not UTF-8")

    def present(self, field: str) -> bool:
        """Read the byte that says whether an optional field follows."""
        flag = self.integer("B")
        self.require(flag in (0, 1), f"{field} is neither absent nor present")
        return flag == 1

    def start(self, magic: bytes) -> None:
        """Check the four bytes and the version at the start of a top-level structure."""
        self.require(self.take(4) == magic, f"does not start with {magic.decode()}")
        version = self.integer("H")
        self.require(version == 2, f"version {version} is not known; this program reads version 2")

    def end(self) -> None:
        """Check that no bytes are left."""
        self.require(self._position == len(self._data), "trailing bytes")


def write_text(value: str) -> bytes:
    """Encode a text as a u16 length and UTF-8."""
    encoded = value.encode("utf-8")
    return struct.pack("<H", len(encoded)) + encoded


def labelled(label: str, message: bytes) -> bytes:
    """The bytes that H hashes and Sign signs."""
    return b"blindsum/v2/" + label.encode() + b"\0" + message


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
