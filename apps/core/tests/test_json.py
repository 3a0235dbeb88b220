"""Bodies: decoding, limits, and where an error is."""

from __future__ import annotations

import gzip
import io
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Problem
from apps.core.json import (
    MAX_BATCH_ROWS,
    MAX_BODY_BYTES,
    JSONParser,
    checked_id,
    decode,
    decode_rows,
    nul_path,
    openapi,
    validation_issue,
)


class Part(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: float | None = None
    tags: list[str] = []


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    part: Part
    count: int = 0


def parse(body: bytes, encoding: str = "") -> bytes:
    request: Any = SimpleNamespace(META={"HTTP_CONTENT_ENCODING": encoding})
    return JSONParser().parse(io.BytesIO(body), "application/json", {"request": request})


def refusal(body: bytes, kind: Any = Whole) -> Problem:
    with pytest.raises(Problem) as caught:
        decode(body, kind)
    return caught.value


class TestDecode:
    def test_fitting_json_is_decoded(self) -> None:
        assert decode(b'{"part": {"name": "a"}}', Whole) == Whole(Part("a"))

    def test_last_of_duplicate_keys_counts(self) -> None:
        assert decode(b'{"name": "a", "name": "b"}', Part).name == "b"

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            (b'{"part": {"name": 5}}', "/part/name", "invalid-value"),
            (b'{"part": {"name": "a", "tags": ["x", 5]}}', "/part/tags/", "invalid-value"),
            (b'{"part": {"name": "a", "color": 1}}', "/part", "unknown-field"),
            (b'{"part": {}}', "/part", "missing-field"),
            (b"[]", "", "invalid-value"),
            (b'"text"', "", "invalid-value"),
            (b"null", "", "invalid-value"),
        ],
    )
    def test_what_does_not_fit_is_pointed_at(self, body: bytes, pointer: str, code: str) -> None:
        problem = refusal(body)

        assert problem.status == 422
        assert problem.errors[0]["code"] == code
        assert problem.errors[0]["pointer"].startswith(pointer)

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"{'part': 1}", b'{"part": {"name": "\xff"}}', b"\xff\xfe", b'{"count": NaN}'],
    )
    def test_what_is_no_json_is_refused(self, body: bytes) -> None:
        assert refusal(body).status == 400

    @pytest.mark.parametrize("body", [b"[" * 5000, b'{"part":' * 5000, b"[" * 5000 + b"]" * 5000])
    def test_deep_nesting_is_refused(self, body: bytes) -> None:
        assert refusal(body).status in {400, 422}
        assert refusal(body, Any).status == 400

    def test_numbers_past_every_limit_are_refused(self) -> None:
        assert refusal(b'{"part": {"name": "a"}, "count": ' + b"9" * 5000 + b"}").status == 422
        assert refusal(b'{"name": "a", "size": 1e999}', Part).status == 422

    def test_nul_in_text_is_refused_where_it_is(self) -> None:
        problem = refusal(b'{"part": {"name": "a", "tags": ["x", "a\\u0000b"]}}')

        assert (problem.status, problem.errors[0]["pointer"]) == (422, "/part/tags/1")

    @pytest.mark.parametrize("text", [rb'"\ud800"', rb'"\udc00"', b'"\xed\xa0\x80"'])
    def test_lone_surrogates_are_refused(self, text: bytes) -> None:
        assert refusal(b'{"name": ' + text + b"}", Part).status == 400

    @given(st.binary(max_size=200))
    def test_any_bytes_decode_or_are_refused(self, body: bytes) -> None:
        with suppress(Problem):
            decode(body, Whole)


class TestRows:
    def test_rows_up_to_the_limit_are_decoded(self) -> None:
        assert decode_rows(b"[" + b",".join([b"1"] * MAX_BATCH_ROWS) + b"]", int) == [1] * 500

    def test_more_rows_are_refused(self) -> None:
        with pytest.raises(Problem) as caught:
            decode_rows(b"[" + b",".join([b"1"] * (MAX_BATCH_ROWS + 1)) + b"]", int)

        assert caught.value.status == 413


class TestParser:
    def test_body_at_the_limit_is_read(self) -> None:
        assert len(parse(b"x" * MAX_BODY_BYTES)) == MAX_BODY_BYTES

    def test_body_past_the_limit_is_refused(self) -> None:
        with pytest.raises(Problem) as caught:
            parse(b"x" * (MAX_BODY_BYTES + 1))

        assert caught.value.status == 413

    def test_gzip_is_undone(self) -> None:
        assert parse(gzip.compress(b'{"a": 1}'), "gzip") == b'{"a": 1}'

    def test_gzip_bomb_is_refused_without_being_unpacked(self) -> None:
        with pytest.raises(Problem) as caught:
            parse(gzip.compress(b"0" * 50_000_000), "gzip")

        assert caught.value.status == 413

    def test_body_that_is_not_gzip_is_refused(self) -> None:
        with pytest.raises(Problem, match="not gzip"):
            parse(b'{"a": 1}', "gzip")

    def test_gzip_that_was_cut_is_refused(self) -> None:
        with pytest.raises(Problem) as caught:
            parse(gzip.compress(b'{"a": 1}\n' * 1000)[:-10], "gzip")

        assert caught.value.status == 400

    def test_gzip_with_more_behind_its_end_is_refused(self) -> None:
        two_members = gzip.compress(b'{"a": 1}\n') + gzip.compress(b'{"a": 2}\n')

        with pytest.raises(Problem) as caught:
            parse(two_members, "gzip")

        assert caught.value.status == 400


class TestIds:
    @pytest.mark.parametrize("value", ["a", "x" * 128, "ä/ö", "'; DROP TABLE--", "{{7*7}}", "*)(|"])
    def test_any_text_of_fitting_length_is_an_id(self, value: str) -> None:
        assert checked_id(value) == value

    @pytest.mark.parametrize("value", ["", "x" * 129, "a\0b", "\ud800"])
    def test_what_cannot_be_stored_is_no_id(self, value: str) -> None:
        with pytest.raises(Problem) as caught:
            checked_id(value)

        assert caught.value.status == 422


def test_nul_is_found_in_keys_and_nested_values() -> None:
    assert nul_path({"a": [{"b": "x\0"}]}) == "/a/0/b"
    assert nul_path({"a\0": 1}) == ""
    assert nul_path({"a": ["b", 1, None]}) is None


def test_schema_says_nullable_and_has_no_references() -> None:
    schema = openapi(Whole)

    assert "$ref" not in str(schema)
    assert schema["properties"]["part"]["properties"]["size"]["nullable"] is True


def test_pointer_ends_where_the_decoder_knows_no_more() -> None:
    issue = validation_issue(ValueError("Integer value out of range - at `$[0][...]`"))

    assert issue["pointer"] == "/0"
