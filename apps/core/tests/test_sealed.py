"""Bytes that prove themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.sealed import SealError, seal, unseal


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_comes_out(payload: bytes, version: str) -> None:
    assert unseal(seal(payload, version=version), version=version) == payload


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_altered_byte_is_refused(payload: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(payload, version="a"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(SealError):
        unseal(bytes(sealed), version="a")


@given(st.binary(min_size=1, max_size=60), st.data())
def test_any_cut_is_refused(payload: bytes, data: st.DataObject) -> None:
    sealed = seal(payload, version="a")

    with pytest.raises(SealError):
        unseal(sealed[: data.draw(st.integers(0, len(sealed) - 1))], version="a")


def test_other_version_is_refused_by_name() -> None:
    with pytest.raises(SealError, match="another version than b"):
        unseal(seal(b"x", version="a"), version="b")


def test_bytes_of_others_are_refused() -> None:
    with pytest.raises(SealError, match="not sealed here"):
        unseal(b"\x80\x04pickle", version="a")
