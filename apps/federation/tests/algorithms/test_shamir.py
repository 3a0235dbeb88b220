from __future__ import annotations

import secrets
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.federation.algorithms import shamir


def test_field_is_of_prime_order() -> None:
    """Rabin's test with 64 random bases: a composite passes with chance 4⁻⁶⁴."""
    n = shamir._PRIME
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(64):
        base = 2 + secrets.randbelow(n - 3)
        powers = [pow(base, odd * 2**k, n) for k in range(twos)]
        assert powers[0] == 1 or n - 1 in powers


@given(st.binary(min_size=32, max_size=32), st.integers(1, 7))
def test_any_threshold_of_shares_gives_the_secret(secret: bytes, threshold: int) -> None:
    numbers = [3, 1, 8, 5, 2, 64, 9]
    made = shamir.split(secret, numbers=numbers, threshold=threshold)
    shares = dict(zip(numbers, made, strict=True))

    for some in list(combinations(numbers, threshold))[:10]:
        assert shamir.join({n: shares[n] for n in some}) == secret


def test_one_share_less_fits_every_secret() -> None:
    """For 2 of 3, a line goes through one share and any secret: the share says nothing."""
    (share,) = shamir.split(b"\1" * 32, numbers=[1, 2], threshold=2)[:1]
    value = int.from_bytes(share)
    for other in (b"\0" * 32, b"\xff" * 32):
        slope = (value - int.from_bytes(other)) % shamir._PRIME
        second = (int.from_bytes(other) + 2 * slope) % shamir._PRIME
        assert shamir.join({1: share, 2: second.to_bytes(33)}) == other


def test_shares_of_no_secret_are_refused() -> None:
    beyond = (2**256).to_bytes(33)  # an element of the field, and more than 32 bytes

    with pytest.raises(ValueError, match="no secret"):
        shamir.join({1: beyond, 2: beyond})


@pytest.mark.parametrize("threshold", [0, 3])
def test_threshold_that_no_shares_can_meet_is_refused(threshold: int) -> None:
    with pytest.raises(ValueError, match="threshold"):
        shamir.split(b"\0" * 32, numbers=[1, 2], threshold=threshold)
