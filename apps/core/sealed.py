"""Bytes that prove themselves: kept by others, believed only when nothing has changed them."""

from __future__ import annotations

import hashlib

from apps.core.errors import RecsysError

_MAGIC = b"recsys-sealed-1\n"
_DIGEST = 32


class SealError(RecsysError):
    """The bytes are cut, altered, or of another version."""


def seal(payload: bytes, *, version: str) -> bytes:
    """Return the payload behind its version and the hash of both."""
    return _MAGIC + _digest(version.encode()) + _digest(version.encode() + payload) + payload


def unseal(sealed: bytes, *, version: str) -> bytes:
    """Return the payload that was sealed under `version`; raise `SealError` otherwise."""
    at = len(_MAGIC)
    if sealed[:at] != _MAGIC:
        raise SealError(f"{len(sealed)} bytes that were not sealed here")
    if sealed[at : at + _DIGEST] != _digest(version.encode()):
        raise SealError(f"sealed under another version than {version}")
    payload = sealed[at + 2 * _DIGEST :]
    if sealed[at + _DIGEST : at + 2 * _DIGEST] != _digest(version.encode() + payload):
        raise SealError(f"{len(payload)} bytes that do not have their hash: cut or altered")
    return payload


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
