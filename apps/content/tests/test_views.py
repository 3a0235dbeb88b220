"""Contents over the API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.models import Content
from apps.content.tests.factories import make_content


def test_put_stores_a_content(api: Any) -> None:
    body = {"creator_id": "bob", "metadata": {"description": "A dance", "tags": ["dance"]}}

    answer = api.put("content/v1", body)

    assert (answer.status_code, answer.content) == (204, b"")
    assert Content.objects.get().description == "A dance"


def test_what_was_said_of_a_content_can_be_read(api: Any) -> None:
    metadata = {"description": "A dance", "tags": ["dance"], "audio_id": "a1", "duration": 9.5}
    api.put("content/v1", {"creator_id": "bob", "status": "hidden", "metadata": metadata})
    Content.objects.update(is_reach_limited=True)

    told = api.get("content/v1").json()

    assert (told["content_id"], told["creator_id"], told["status"]) == ("v1", "bob", "hidden")
    assert (told["is_age_restricted"], told["is_reach_limited"]) == (False, True)
    assert told["metadata"] | metadata == told["metadata"]
    assert api.get("content/v2").json()["code"] == "unknown-content"


def test_put_of_a_new_content_without_a_creator_is_refused(api: Any) -> None:
    answer = api.put("content/v1", {})

    assert (answer.status_code, answer.json()["code"]) == (422, "missing-creator")
    assert not Content.objects.exists()


def test_put_of_the_same_again_changes_nothing_else(api: Any) -> None:
    for _ in range(2):
        assert api.put("content/v1", {"creator_id": "bob"}).status_code == 204

    assert Content.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"creator_id": "bob", "status": "removed"},
        {"creator_id": "bob", "score": 1},
        {"creator_id": ""},
        {"creator_id": "b" * 129},
        {"creator_id": "bob", "upload_timestamp": 1_700_000_000},
        {"creator_id": "bob", "upload_timestamp": "yesterday"},
        {"creator_id": "bob", "metadata": {"duration": 0}},
        {"creator_id": "bob", "metadata": {"duration": -3}},
        {"creator_id": "bob", "metadata": {"tags": "dance"}},
        {"creator_id": "bob", "metadata": {"tags": [""]}},
        {"creator_id": "bob", "metadata": {"description": "a\0b"}},
        {"creator_id": "bob", "metadata": {"visual_features": ["x"]}},
        {"creator_id": "bob", "metadata": None},
        [],
    ],
)
def test_put_of_what_does_not_fit_is_refused(body: Any, api: Any) -> None:
    answer = api.put("content/v1", body)

    assert answer.status_code == 422, answer.content
    assert answer.json()["errors"]
    assert not Content.objects.exists()


@pytest.mark.parametrize(
    "stamp",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-14:00",
        "2025-10-09",
    ],
)
def test_extreme_moments_are_stored_or_refused(stamp: str, api: Any) -> None:
    answer = api.put("content/v1", {"creator_id": "bob", "upload_timestamp": stamp})

    assert answer.status_code in {204, 422}, answer.content


def test_batch_lists_what_was_refused(api: Any) -> None:
    rows = [{"content_id": "v1", "creator_id": "bob"}, {"content_id": "v2"}]

    answer = api.post("content/batch", rows)

    assert answer.status_code == 200
    assert answer.json()["accepted"] == 1
    assert [r["content_id"] for r in answer.json()["rejected"]] == ["v2"]


def test_batch_of_which_no_row_fits_is_a_problem(api: Any) -> None:
    answer = api.post("content/batch", [{"content_id": "v1"}, {"content_id": 2}])

    assert (answer.status_code, answer.json()["code"]) == (422, "no-row-accepted")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/0", "/1"]


def test_batch_past_the_limit_is_refused(api: Any) -> None:
    rows = [{"content_id": f"v{i}", "creator_id": "bob"} for i in range(501)]

    assert api.post("content/batch", rows).status_code == 413


def test_put_cannot_bring_a_removed_content_back(api: Any) -> None:
    make_content("v1")
    Content.objects.update(status=Content.Status.REMOVED)

    assert api.put("content/v1", {"status": "active"}).status_code == 204

    assert Content.objects.get().status == Content.Status.REMOVED


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"]
)
def test_upload_at_a_moment_that_no_page_can_show_is_refused(moment: str, api: Any) -> None:
    answer = api.put("content/v1", {"creator_id": "bob", "upload_timestamp": moment})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-value")
    assert not Content.objects.exists()


def test_rows_of_a_batch_that_do_not_fit_are_listed_and_the_others_go_in(api: Any) -> None:
    rows = [
        {"content_id": "v1", "creator_id": 5},
        {"content_id": "v2", "creator_id": "bob"},
        None,
        {"content_id": "v3"},
        {"content_id": "v4", "creator_id": "bob", "metadata": {"description": "a\0b"}},
    ]

    answer = api.post("content/batch", rows)

    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    told = [(r["index"], r["content_id"], r["code"]) for r in answer.json()["rejected"]]
    assert told == [
        (0, None, "invalid-value"),
        (2, None, "invalid-value"),
        (3, "v3", "missing-creator"),
        (4, None, "nul-character"),
    ]
    assert [c.content_id for c in Content.objects.all()] == ["v2"]
