"""The API of moderation."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.content.tests.factories import make_content
from apps.core.clock import now_ms
from apps.moderation.conf import CLAUSE
from apps.moderation.models import Appeal, Case, Report, Statement
from apps.moderation.tests.factories import make_decision, make_user
from apps.moderation.types import Reason

pytestmark = pytest.mark.django_db
NOTICE = {
    "content_id": "v1",
    "reason": "illegal",
    "explanation": "It sells stolen goods",
    "good_faith": True,
    "email": "ann@example.org",
}


def test_notice_gets_a_receipt_a_case_and_an_outcome(api: Any) -> None:
    make_content("v1")
    receipt = api.post("notices", NOTICE)
    assert receipt.status_code == 201
    assert receipt.json()["status"] == "received"

    make_decision(case=Case.objects.get())

    found = api.get(f"notices/{receipt.json()['notice_id']}").json()
    assert (found["status"], found["outcome"]) == ("decided", "upheld")
    assert "email" not in found
    assert Case.objects.get().source == "notice"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"content_id": "nowhere"}, 404),
        ({"reason": "taste"}, 422),
        ({"good_faith": False}, 422),
        ({"explanation": ""}, 422),
        ({"email": "no address"}, 422),
        ({"severity": 1}, 422),
    ],
)
def test_bad_notice_is_refused(change: dict[str, Any], status: int, api: Any) -> None:
    make_content("v1")

    assert api.post("notices", NOTICE | change).status_code == status
    assert not Report.objects.exists()


def test_statement_says_what_why_and_how_to_appeal(api: Any) -> None:
    make_decision()
    statement = Statement.objects.get()

    found = api.get(f"statements/{statement.public_id}").json()

    assert found["restriction"] == "removal of the content"
    assert (found["ground"], found["reference"]) == ("terms", "Terms 4.1")
    assert not found["automated_decision"]
    assert "appeal" in found["redress"]
    assert api.get("statements", content_id="v1").json()["items"] == [found]
    assert api.get("statements", content_id="other").json()["items"] == []


def test_appeal_is_taken_once_and_answered(api: Any, client: Any) -> None:
    make_decision(user=make_user("mo"), at_ms=now_ms())
    body = {"statement_id": str(Statement.objects.get().public_id), "text": "It was a joke"}
    made = api.post("appeals", body)
    assert made.status_code == 201
    assert api.post("appeals", body).status_code == 409
    client.force_login(make_user("boss", "senior moderator"))

    page = f"/moderation/appeals/{Appeal.objects.get().pk}/answer"
    client.post(page, {"outcome": "uphold", "text": "It was not"})

    found = api.get(f"appeals/{made.json()['appeal_id']}").json()
    assert (found["status"], found["answer"]) == ("upheld", "It was not")


NOBODY = uuid.UUID(int=1)


@pytest.mark.parametrize("what", ["notices", "statements", "appeals"])
def test_unknown_id_is_404(what: str, api: Any) -> None:
    assert api.get(f"{what}/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("post", "notices", "moderation:write"),
        ("post", "appeals", "moderation:write"),
        ("get", f"notices/{NOBODY}", "moderation:read"),
        ("get", f"statements/{NOBODY}", "moderation:read"),
        ("get", "statements", "moderation:read"),
        ("get", f"appeals/{NOBODY}", "moderation:read"),
    ],
)
def test_scope_is_needed(method: str, path: str, scope: str, api_with: Any) -> None:
    other = "moderation:read" if scope.endswith("write") else "moderation:write"
    given = ({},) if method == "post" else ()

    assert getattr(api_with(other), method)(path, *given).status_code == 403
    assert getattr(api_with(scope), method)(path, *given).status_code in {404, 422}


def test_reasons_of_the_api_are_the_policy() -> None:
    assert set(Reason.__args__) == set(CLAUSE)
