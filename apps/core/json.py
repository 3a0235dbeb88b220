"""Bodies in and out: raw bytes under a size limit, decoded into typed structs by msgspec."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import IO, Any, TypeVar

import msgspec
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.core.errors import Problem

MAX_BODY_BYTES = 1_000_000
NDJSON = "application/x-ndjson"

T = TypeVar("T")

_PATH = re.compile(r" - at `\$?(?P<path>[^`]*)`$")
_encode = msgspec.json.encode


class JSONParser(BaseParser):
    """Read a JSON or NDJSON body as bytes, gzip undone, never more than `MAX_BODY_BYTES`.

    Views decode the bytes themselves (`decode`), so that one bad event in a batch stays one.
    """

    media_type = "*/*"

    def parse(  # type: ignore[override]  # bytes, not a mapping: see the class
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the body; raise 413 past the limit and 415 for other types of content."""
        kind = (media_type or "").partition(";")[0].strip().lower()
        if kind not in {"application/json", NDJSON}:
            raise UnsupportedMediaType(kind or "none")
        body = stream.read(MAX_BODY_BYTES + 1)
        request = parser_context["request"] if parser_context else None
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "") if request is not None else ""
        encoding = encoding.strip().lower()
        if encoding not in {"", "identity", "gzip"}:
            detail = f"The body is encoded as {encoding!r}; expected gzip, or as it is."
            raise Problem(415, "unsupported-encoding", detail)
        if encoding == "gzip" and len(body) <= MAX_BODY_BYTES:
            body = _gunzip(body)
        if len(body) > MAX_BODY_BYTES:
            raise Problem(413, "body-too-large", f"The body is over {MAX_BODY_BYTES} bytes.")
        return body


def _gunzip(body: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Problem(400, "invalid-gzip", f"The body is not gzip: {error}") from error
    if len(text) <= MAX_BODY_BYTES and (not stream.eof or stream.unused_data):
        # Half of an NDJSON body still reads well; the rest of its events would be lost in silence.
        raise Problem(400, "invalid-gzip", "The body is not one whole gzip stream.")
    return text


class JSONRenderer(BaseRenderer):
    """Write structs, dicts and lists as JSON."""

    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the bytes; nothing for no data."""
        return b"" if data is None else _encode(data)


class AlwaysJSON(BaseContentNegotiation):
    """Answer JSON whatever `Accept` says, so that an error is never a 406."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Return the one parser."""
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the one renderer."""
        return renderers[0], renderers[0].media_type


def body_of(request: Request) -> bytes:
    """Return the body as bytes; of no body at all the framework makes an empty dict."""
    return request.data if isinstance(request.data, bytes) else b""


def decode(body: bytes, kind: type[T]) -> T:
    """Decode JSON into `kind`; raise 400 for what is no JSON and 422 for what does not fit."""
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        issue = validation_issue(error)
        raise Problem(422, "invalid", issue["detail"], errors=[issue]) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "malformed-json", f"The body is not valid JSON: {error}") from error
    if (where := nul_path(value)) is not None:
        issue = {"pointer": where, "code": "nul-character", "detail": "NUL is not allowed in text"}
        raise Problem(422, "invalid", issue["detail"], errors=[issue])
    return value


def validation_issue(error: Exception) -> dict[str, str]:
    """Return one entry of `errors`: a JSON pointer, a code and what was expected."""
    text = str(error)
    match = _PATH.search(text)
    path = match["path"] if match else ""
    pointer = re.sub(r"\.|\[", "/", path.replace("[...]", "").replace("]", ""))
    detail = text[: match.start()] if match else text
    code = "unknown-field" if "unknown field" in detail else "invalid-value"
    if "missing required field" in detail:
        code = "missing-field"
    return {"pointer": pointer, "code": code, "detail": detail}


def nul_path(value: Any, path: str = "") -> str | None:
    """Return the pointer of the first text with a NUL in it: PostgreSQL cannot store one."""
    if isinstance(value, str):
        return path if "\0" in value else None
    if isinstance(value, msgspec.Struct):
        pairs: Iterable[tuple[str, Any]] = (
            (name, getattr(value, name)) for name in value.__struct_fields__
        )
    elif isinstance(value, dict):
        if any("\0" in str(key) for key in value):
            return path
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = ((str(i), item) for i, item in enumerate(value))
    else:
        return None
    return next((hit for name, v in pairs if (hit := nul_path(v, f"{path}/{name}"))), None)


def openapi(kind: Any) -> dict[str, Any]:
    """Return the OpenAPI 3.0 schema of a struct (or list of them), with its parts inlined."""
    (schema,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    return _to_openapi_30(schema, parts)


def _to_openapi_30(node: Any, parts: Mapping[str, Any]) -> Any:
    """Inline references and say nullable, required and exclusive bounds as OpenAPI 3.0 does."""
    if isinstance(node, list):
        return [_to_openapi_30(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _to_openapi_30(parts[node["$ref"]], parts)
    node = {key: _to_openapi_30(value, parts) for key, value in node.items()}
    if node.get("required") == []:  # says nothing, and 3.0 forbids it
        del node["required"]
    node.pop("discriminator", None)  # it names the parts, which are inlined
    if node.pop("contentEncoding", None) == "base64":
        node["format"] = "byte"
    for bound, edge in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if edge in node:  # in 3.0 a bound is a number, and whether it is excluded a boolean
            node |= {bound: node[edge], edge: True}
    choices = node.get("anyOf", [])
    solid = [choice for choice in choices if choice != {"type": "null"}]
    if len(solid) < len(choices):
        node.pop("anyOf")
        node |= {"nullable": True} | (solid[0] if len(solid) == 1 else {"anyOf": solid})
    return node


MAX_BATCH_ROWS = 500


def decode_rows(body: bytes, kind: type[T]) -> list[T]:
    """Decode an array of at most `MAX_BATCH_ROWS` structs, all or none."""
    return _few(decode(body, list[kind]))  # type: ignore[valid-type]


def decode_each(body: bytes, kind: type[T]) -> list[T | Problem]:
    """Decode an array of at most `MAX_BATCH_ROWS` structs, each by itself."""
    return [_decoded(raw, kind) for raw in _few(decode(body, list[msgspec.Raw]))]


def _decoded(raw: msgspec.Raw, kind: type[T]) -> T | Problem:
    try:
        return decode(bytes(raw), kind)
    except Problem as problem:
        return problem


def _few(rows: list[T]) -> list[T]:
    if len(rows) > MAX_BATCH_ROWS:
        detail = f"{len(rows)} rows in one request, at most {MAX_BATCH_ROWS} are taken."
        raise Problem(413, "too-many-rows", detail)
    return rows


_lenient = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_BLANK = re.compile(r"[ \t\r\n]*")


def lenient_elements(array: bytes) -> list[bytes] | None:
    """Return the texts of an array's elements by what Python takes for JSON, None for no array.

    To tell apart what is well-formed from what is not: each element must be decoded by itself.
    """
    text = array.decode("utf-8", "surrogateescape").strip(" \t\r\n")
    found: list[bytes] = []
    place = 0
    try:
        while text[place] == ("," if found else "["):
            start = _after_blank(text, place + 1)
            _, end = _lenient.raw_decode(text, start)
            found.append(text[start:end].encode("utf-8", "surrogateescape"))
            place = _after_blank(text, end)
    except (ValueError, IndexError, RecursionError):
        return None
    return found if text[place:] == "]" else None


def _after_blank(text: str, place: int) -> int:
    blank = _BLANK.match(text, place)
    return blank.end() if blank else place


def checked_id(value: str) -> str:
    """Return an id from a path or query, or raise 422 for one that could not be stored."""
    if not 1 <= len(value) <= 128 or "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise Problem(422, "invalid-id", "An id has 1 to 128 characters, no NUL, valid Unicode.")
    return value
