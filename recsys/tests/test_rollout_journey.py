"""A candidate on some viewers' pages: through the commands and the API."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.content.tests.factories import make_contents
from apps.core import artifacts, live
from apps.core.clock import now_ms
from apps.core.models import Artifact, ArtifactMove
from apps.events.models import Slate
from apps.experiments.models import Exposure
from apps.learning.rollout import served
from apps.learning.tests.online.factories import MINUTE_MS, serve_bundle, store_bundle
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.django_db
USERS = [f"user{i}" for i in range(40)]


def run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@pytest.fixture
def both(api: Any) -> tuple[Artifact, Artifact]:
    """Return what serves, and the candidate."""
    make_contents(30, creators=30, now_ms=now_ms())
    production, candidate = (f(until_ms=now_ms() - MINUTE_MS) for f in (serve_bundle, store_bundle))
    artifacts.name_candidate(candidate)
    return production, candidate


def rankers(api: Any) -> dict[str, str]:
    """Return who ranked each user's page."""
    pages = {user: api.get("feed", user_id=user, limit=5).json() for user in USERS}
    assert all(len(page["items"]) == 5 and not page["degraded"] for page in pages.values())
    return {user: page["ranker"] for user, page in pages.items()}


def test_candidate_ranks_the_pages_of_its_share_and_slates_say_so(
    api: Any, both: tuple[Artifact, Artifact]
) -> None:
    production, candidate = (f"bundle-{artifact.pk}" for artifact in both)
    assert set(rankers(api).values()) == {production}

    assert (
        run("canary", "--percent", "50")
        == f"{both[1]} serves 50 % of the viewers; see /ops/models/\n"
    )
    answered = rankers(api)

    assert set(answered.values()) == {production, candidate}
    assert rankers(api) == answered  # each viewer stays on their side
    exposed = Exposure.objects.select_related("variant").values_list(
        "viewer__pseudonym", "variant__parameters"
    )
    given = {p: "feed.bundle" in parameters for p, parameters in exposed}
    assert given == {pseudonym(user): name == candidate for user, name in answered.items()}
    assert set(Slate.objects.filter(ranker=candidate).values_list("variant", flat=True)) == {
        f"canary-{Exposure.objects.latest('pk').experiment.key.split('-')[1]}=candidate"
    }

    assert "is ended" in run("canary", "--stop", "--reason", "seen enough")
    assert set(rankers(api).values()) == {production}
    assert list(ArtifactMove.objects.order_by("pk").values_list("move", "why")) == [
        ("canary 50 %", ""),
        ("rollout ended", "seen enough"),
    ]


def test_candidate_that_cannot_be_read_leaves_production_serving(
    api: Any, both: tuple[Artifact, Artifact]
) -> None:
    run("canary", "--percent", "50")
    (artifacts.folder_of("bundle", both[1].uuid) / "select.txt").unlink()
    live.reset_all()
    assert set(rankers(api).values()) == {f"bundle-{both[0].pk}"}


def test_candidate_is_in_memory_only_while_somebody_is_served_it(
    api: Any, both: tuple[Artifact, Artifact]
) -> None:
    assert served._live["candidate"].get().bundle is None
    run("canary", "--percent", "50")
    held = served._live["candidate"].get().bundle
    assert held is not None
    assert held.version == f"bundle-{both[1].pk}"
    run("canary", "--stop")
    assert served._live["candidate"].get().bundle is None


def test_there_must_be_something_to_stop(db: None) -> None:
    with pytest.raises(CommandError, match="no rollout is under way"):
        run("canary", "--stop")


def test_shadow_report_is_kept_with_the_version(api: Any, both: tuple[Artifact, Artifact]) -> None:
    assert "shadow: scores: not enough data" in run("shadow")
    both[1].refresh_from_db()
    assert both[1].gates[0]["gate"] == "shadow: scores"
