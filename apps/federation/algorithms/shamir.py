"""Secrets shared among devices, any `threshold` of whom know them (Shamir 1979)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

SECRET_BYTES = 32
SHARE_BYTES = 33  # an element of the field
_PRIME = 2**256 + 297  # the least one above 2²⁵⁶: every secret is an element


def split(secret: bytes, *, numbers: Sequence[int], threshold: int) -> list[bytes]:
    """Return a share for each of the distinct `numbers` ≥ 1: a polynomial's values there.

    The polynomial over the field has degree threshold − 1, the secret (32 bytes) at 0, and random
    coefficients: fewer than `threshold` ≤ len(numbers) of its values say nothing about it.
    """
    if not 1 <= threshold <= len(numbers):
        raise ValueError(f"a threshold of {threshold} for {len(numbers)} shares")
    drawn = [secrets.randbelow(_PRIME) for _ in range(threshold - 1)]
    coefficients = [*drawn, int.from_bytes(secret)]  # the highest power first
    return [_value(coefficients, at).to_bytes(SHARE_BYTES) for at in numbers]


def join(shares: Mapping[int, bytes]) -> bytes:
    """Return the secret of `threshold` shares by their numbers: Lagrange's polynomial at 0.

    Raises ValueError where it is no secret; most wrong shares only give a wrong one.
    """
    secret = 0
    for at, share in shares.items():
        above = below = 1
        for other in shares.keys() - {at}:
            above = above * other % _PRIME
            below = below * (other - at) % _PRIME
        secret += int.from_bytes(share) * above * pow(below, -1, _PRIME)
    try:
        return (secret % _PRIME).to_bytes(SECRET_BYTES)
    except OverflowError as error:
        raise ValueError("these shares are of no secret") from error


def _value(coefficients: Sequence[int], at: int) -> int:
    value = 0
    for coefficient in coefficients:
        value = (value * at + coefficient) % _PRIME
    return value
