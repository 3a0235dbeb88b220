"""Events over the API."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.content.tests.factories import make_content
from apps.core.auth import client_token
from apps.core.clock import DAY_MS, now_ms
from apps.events.models import Event
from apps.events.tests.factories import make_event

NDJSON = "application/x-ndjson"


def event(i: int = 0, **given: Any) -> dict[str, Any]:
    return make_event(at_ms=None, event_id=f"e{i}", **given)


def lines(*events: Any) -> bytes:
    return b"\n".join(json.dumps(e).encode() for e in events)


@pytest.fixture(autouse=True)
def _known_content(db: None) -> None:
    make_content("v1")  # events about others wait outside of the log


@pytest.mark.parametrize(
    "body", [event(), [event(), event(1)], {"events": [event()]}, {"events": [event(), event(1)]}]
)
def test_one_event_or_many_are_accepted(body: Any, api: Any) -> None:
    answer = api.post("events", body)

    n = len(body.get("events", [1])) if isinstance(body, dict) else len(body)
    assert (answer.status_code, answer["Content-Type"]) == (202, "application/json")
    assert answer.json() == {"accepted": n, "duplicates": 0, "rejected": []}
    assert Event.objects.count() == n


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\n\n\n"])
def test_ndjson_is_accepted(separator: bytes, api: Any) -> None:
    body = lines(event(), event(1)).replace(b"\n", separator) + separator

    assert api.post("events", body, NDJSON).json()["accepted"] == 2


@pytest.mark.parametrize("frame", [b"[%s]", b" [ %s ]\n", b'{"events": [%s]}'])
@pytest.mark.parametrize(
    "bad", [rb'{"comment_text": "cut \ud83d"}', b'{"watch_duration": NaN}', b'{"user_id": "\xff"}']
)
def test_event_that_is_no_json_does_not_fail_the_others(frame: bytes, bad: bytes, api: Any) -> None:
    told = b",".join([json.dumps(event()).encode(), bad, b" " + json.dumps(event(1)).encode()])

    answer = api.post("events", frame % told)

    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(1, "malformed-json")]


@pytest.mark.parametrize("body", [b"[{},", b"[{}]]", b"[{} {}]", b"[,]", b'{"events": [{}}'])
def test_array_that_is_none_is_a_problem(body: bytes, api: Any) -> None:
    answer = api.post("events", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")


def test_line_separators_of_unicode_do_not_end_a_line(api: Any) -> None:
    spoken = event(comment_text="a\u2028b\u0085c")
    body = json.dumps(spoken, ensure_ascii=False).encode()

    assert api.post("events", body, NDJSON).json()["accepted"] == 1


def test_charset_in_the_content_type_is_accepted(api: Any) -> None:
    assert api.post("events", event(), "application/json; charset=utf-8").status_code == 202


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " GZip"])
def test_gzip_is_accepted(encoding: str, api: Any) -> None:
    headers = {"authorization": f"Bearer {api.key}", "content-encoding": encoding}
    body = gzip.compress(lines(event(), event(1)))

    answer = api.client.post("/api/v1/events", body, content_type=NDJSON, headers=headers)

    assert answer.json()["accepted"] == 2


def test_bad_event_among_good_ones_is_listed(api: Any) -> None:
    answer = api.post("events", [event(), {"type": "view"}, event(2)])

    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["duplicates"]) == (2, 0)
    assert [(r["index"], r["code"]) for r in body["rejected"]] == [(1, "missing-field")]


def test_malformed_line_among_good_ones_is_listed(api: Any) -> None:
    body = lines(event()) + b"\n{oops\n" + lines(event(2))

    answer = api.post("events", body, NDJSON)

    assert answer.status_code == 202
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(1, "malformed-json")]


def test_batch_of_bad_events_is_a_problem(api: Any) -> None:
    answer = api.post("events", [{"type": "view"}, {"type": "dance"}])

    assert (answer.status_code, answer.json()["code"]) == (422, "no-event-accepted")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/0", "/1"]
    assert not Event.objects.exists()


def test_batch_of_duplicates_is_accepted(api: Any) -> None:
    api.post("events", event())

    answer = api.post("events", [event(), {"type": "dance"}])

    assert answer.status_code == 202
    assert (answer.json()["accepted"], answer.json()["duplicates"]) == (0, 1)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "malformed-json"),
        (b"\n\n", NDJSON, 400, "no-events"),
        (b"[]", "application/json", 400, "no-events"),
        (b'{"events": []}', "application/json", 400, "no-events"),
        (b'{"events": 5}', "application/json", 400, "malformed-json"),
        (b'{"events": {}}', "application/json", 400, "malformed-json"),
        (b"5", "application/json", 400, "malformed-json"),
        (b'"view"', "application/json", 400, "malformed-json"),
        (b"[{}", "application/json", 400, "malformed-json"),
        (b"[" * 5000, "application/json", 400, "malformed-json"),
        (b"[" * 5000 + b"]" * 5000, "application/json", 400, "malformed-json"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json", 400, "malformed-json"),
        (b"[NaN]", "application/json", 422, "no-event-accepted"),
        (b'{"type": "view", "user_id": NaN}', "application/json", 400, "malformed-json"),
        (b"[[]]", "application/json", 422, "no-event-accepted"),
        (b"[null, 5]", "application/json", 422, "no-event-accepted"),
        (b"{}", "application/json", 422, "no-event-accepted"),
    ],
)
def test_body_without_events_is_a_problem(
    body: bytes, kind: str, status: int, code: str, api: Any
) -> None:
    answer = api.post("events", body, kind)

    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"


def test_five_hundred_events_are_taken_and_one_more_is_not(api: Any) -> None:
    events = [event(i) for i in range(501)]

    refused = api.post("events", events)
    assert (refused.status_code, refused.json()["code"]) == (413, "too-many-events")
    assert not Event.objects.exists()

    assert api.post("events", events[:500]).json()["accepted"] == 500


def test_event_of_many_kilobytes_is_refused_alone(api: Any) -> None:
    answer = api.post("events", [event(), event(1, comment_text="x" * 70_000)])

    assert answer.json()["accepted"] == 1


def test_old_event_needs_the_scope_to_backfill(api: Any, api_with: Callable[..., Any]) -> None:
    old = make_event(at_ms=now_ms() - 30 * DAY_MS)

    assert api.post("events", old).status_code == 422
    assert api_with("events:write", "events:backfill").post("events", old).status_code == 202


def test_device_posts_events_of_its_viewer_only(api_with: Callable[..., Any]) -> None:
    device = api_with(key=client_token("alice", ttl_seconds=60))

    answer = device.post("events", [event(), event(1, user_id="carol")])

    assert answer.json()["accepted"] == 1
    assert [r["code"] for r in answer.json()["rejected"]] == ["wrong-user"]
    assert device.post("events", event(2, user_id="carol")).status_code == 422
    assert Event.objects.count() == 1
