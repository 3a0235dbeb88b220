"""A canary by one button, and its end by another."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.core.models import Artifact, ArtifactMove
from apps.experiments.models import Experiment
from apps.insights.tests.factories import make_user
from apps.learning.models import Rollout
from apps.learning.tests.rollout.factories import make_candidate

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidate() -> Artifact:
    return make_candidate()[1]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("ada", "admin"))
    return client


def begin(admin: Client, candidate: Artifact, **given: str) -> str:
    """Confirm a canary; return what the next page says."""
    form = {"percent": "5", "reason": "looks good", **given}
    return admin.post(f"/ops/models/{candidate.pk}/canary", form, follow=True).text


def test_button_asks_then_some_viewers_get_the_candidate(
    admin: Client, candidate: Artifact
) -> None:
    assert f'href="/ops/models/{candidate.pk}/canary"' in admin.get("/ops/models/").text
    assert f"Canary of {candidate}?" in admin.get(f"/ops/models/{candidate.pk}/canary").text

    text = begin(admin, candidate)

    assert f"{candidate} serves 5 % of the viewers." in text
    assert "Canary: serves some viewers" in text
    assert Experiment.objects.get().ramp == 1000  # 5 % and as many others
    move = ArtifactMove.objects.get()
    assert (move.move, move.by, move.why) == ("canary 5 %", "ada", "looks good")


@pytest.mark.parametrize("given", [{"reason": " "}, {"percent": "51"}, {"percent": "x"}])
def test_reason_and_percentage_are_needed(
    given: dict[str, str], admin: Client, candidate: Artifact
) -> None:
    assert "Say why, and a percentage from 1 to 50." in begin(admin, candidate, **given)
    assert not Rollout.objects.exists()


def test_of_two_who_begin_one_wins(admin: Client, candidate: Artifact) -> None:
    begin(admin, candidate)
    assert "another rollout is under way" in begin(admin, candidate, percent="20")
    assert Rollout.objects.get().percent == 5


def test_end_serves_everybody_alike(admin: Client, candidate: Artifact) -> None:
    begin(admin, candidate)
    assert "everybody is served alike" in admin.post("/ops/models/rollout/end", follow=True).text
    assert Experiment.objects.get().status == "stopped"
    assert "No rollout is under way." in admin.post("/ops/models/rollout/end", follow=True).text


def test_analyst_sees_the_rollout_and_no_button(
    client: Client, admin: Client, candidate: Artifact
) -> None:
    begin(admin, candidate)
    client.force_login(make_user())
    text = client.get("/ops/models/").text
    assert "Canary: serves some viewers" in text
    assert "End it" not in text
