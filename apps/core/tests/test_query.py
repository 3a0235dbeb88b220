"""Query parameters: what is mistyped is told, not passed over."""

from __future__ import annotations

from typing import Any

import pytest

TYPOS = [
    ("feed", {"user_id": "alice", "limt": 3}),
    ("popular", {"catgory": "cars"}),
    ("experiments/assignments", {"user_id": "alice", "x": 1}),
    ("statements", {"content_id": "v1", "x": 1}),
    ("metrics/dau", {"form": "2026-01-01"}),
    ("metrics/dau.csv", {"form": "2026-01-01"}),
]


def issue(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 422, answer.content
    (only,) = answer.json()["errors"]
    return only["pointer"], only["code"]


@pytest.mark.parametrize(("address", "given"), TYPOS)
def test_unknown_parameter_is_named(address: str, given: dict[str, Any], api: Any) -> None:
    assert issue(api.get(address, **given)) == (list(given)[-1], "unknown-parameter")


@pytest.mark.parametrize(
    ("address", "name"),
    [("feed", "user_id"), ("experiments/assignments", "user_id"), ("statements", "content_id")],
)
def test_missing_parameter_is_named(address: str, name: str, api: Any) -> None:
    assert issue(api.get(address)) == (name, "missing-parameter")


def test_parameter_that_comes_twice_is_refused(api: Any) -> None:
    assert issue(api.get("feed?user_id=alice&user_id=mallory")) == ("user_id", "repeated-parameter")


def test_flag_is_yes_or_no(api: Any) -> None:
    assert issue(api.get("feed", user_id="alice", explain="maybe")) == ("explain", "invalid-value")
    assert api.get("feed", user_id="alice", explain="TRUE").status_code == 200


def test_durations_that_nothing_can_have_are_refused(api: Any) -> None:
    answer = api.get("popular", min_duration=50, max_duration=10)

    assert issue(answer) == ("min_duration", "invalid-range")


@pytest.mark.parametrize("given", [{"to": "0001-01-01"}, {"from": "1969-12-31"}])
def test_days_before_1970_are_refused(given: dict[str, str], api: Any) -> None:
    assert api.get("metrics/dau", **given).json()["code"] == "invalid-date"


def test_days_may_end_with_the_first(api: Any) -> None:
    assert len(api.get("metrics/dau", to="1970-01-01").json()["points"]) == 1
