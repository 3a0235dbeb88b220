"""Users over the API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.clock import now_ms
from apps.profiles.models import Viewer
from apps.profiles.selectors import profile


def test_put_stores_a_user(api: Any) -> None:
    answer = api.put("users/alice", {"demographics": {"language": "de"}})

    assert (answer.status_code, answer.content) == (204, b"")
    assert profile("alice", at_ms=now_ms()).language == "de"


def test_what_was_said_of_a_user_can_be_read(api: Any) -> None:
    said = {
        "demographics": {"age_group": "18-24", "location": "DE", "language": "de"},
        "preferences": {"categories": ["cars"], "creators_followed": ["bob"]},
    }
    api.put("users/alice", said)
    api.post("events", {"type": "follow", "user_id": "alice", "creator_id": "carol"})

    told = api.get("users/alice").json()

    assert told["demographics"] == said["demographics"]
    assert told["preferences"]["categories"] == ["cars"]
    assert sorted(told["preferences"]["creators_followed"]) == ["bob", "carol"]


def test_user_never_heard_of_and_an_erased_one_are_told_apart(api: Any) -> None:
    assert api.get("users/alice").json()["code"] == "unknown-user"
    api.client.delete("/api/v1/users/alice", headers={"authorization": f"Bearer {api.key}"})

    assert api.get("users/alice").json()["code"] == "user-erased"
    assert not Viewer.objects.exists()


def test_put_of_nothing_makes_an_empty_user(api: Any) -> None:
    assert api.put("users/alice", {}).status_code == 204

    assert Viewer.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"demographics": {"age_group": "30"}},
        {"demographics": {"birthday": "1990-01-01"}},
        {"demographics": {"location": "Somewhere 1"}},
        {"preferences": {"categories": "news"}},
        {"preferences": {"creators_followed": [""]}},
        {"preferences": {"creators_followed": [1]}},
        {"is_staff": True},
        {"demographics": {"language": "a\0"}},
    ],
)
def test_put_of_what_does_not_fit_is_refused(body: Any, api: Any) -> None:
    answer = api.put("users/alice", body)

    assert answer.status_code == 422, answer.content
    assert not Viewer.objects.exists()


def test_batch_stores_users(api: Any) -> None:
    rows = [{"user_id": f"user{i}", "demographics": {"language": "en"}} for i in range(3)]

    answer = api.post("users/batch", rows)

    assert (answer.status_code, answer.json()) == (200, {"accepted": 3})


def test_batch_with_a_malformed_row_stores_nothing(api: Any) -> None:
    answer = api.post("users/batch", [{"user_id": "alice"}, {"user_id": ""}])

    assert answer.status_code == 422
    assert not Viewer.objects.exists()


def test_batch_past_the_limit_is_refused(api: Any) -> None:
    answer = api.post("users/batch", [{"user_id": f"user{i}"} for i in range(501)])

    assert answer.status_code == 413


def test_batch_with_an_erased_user_stores_nothing_and_names_them(api: Any) -> None:
    api.client.delete("/api/v1/users/mallory", headers={"authorization": f"Bearer {api.key}"})

    answer = api.post("users/batch", [{"user_id": "alice"}, {"user_id": "mallory"}])

    assert (answer.status_code, answer.json()["code"]) == (410, "user-erased")
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/1"]
    assert not Viewer.objects.exists()


def test_put_of_an_erased_user_is_refused_as_gone(api: Any) -> None:
    api.client.delete("/api/v1/users/mallory", headers={"authorization": f"Bearer {api.key}"})

    assert api.put("users/mallory", {}).status_code == 410


def test_refusal_of_personalization_is_kept_read_back_and_exported(api: Any) -> None:
    def told() -> bool:
        return bool(api.get("users/alice").json()["preferences"]["personalization"])

    api.put("users/alice", {"preferences": {"categories": ["cars"]}})
    assert told()
    api.put("users/alice", {"preferences": {"personalization": False}})
    assert not told()
    api.post("users/batch", [{"user_id": "alice", "preferences": {"categories": ["news"]}}])
    assert not told()
    assert api.get("users/alice/export").json()["viewers"][0]["personalization"] is False


@pytest.mark.parametrize("given", ["no", 0, "false", []])
def test_refusal_is_said_in_plain_terms(given: Any, api: Any) -> None:
    answer = api.put("users/alice", {"preferences": {"personalization": given}})

    assert answer.status_code == 422
