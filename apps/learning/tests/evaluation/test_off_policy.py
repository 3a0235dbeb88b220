"""Other policies judged on the slates that were served."""

from __future__ import annotations

import json
import uuid
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from apps.content import selectors as content
from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_contents
from apps.events.models import Slate
from apps.events.services import SlateRow, log_slate
from apps.events.tests.factories import make_event, send
from apps.learning.evaluation.off_policy import DAYS, logged_slots
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db


def make_slate(pks: list[int], propensity: float, *, served_ms: int = NOW_MS - 1000) -> uuid.UUID:
    request = uuid.uuid4()
    log_slate(
        SlateRow(
            id=request,
            viewer_id=ensure_viewers(["alice"])["alice"],
            feed_session=uuid.uuid4(),
            served_ms=served_ms,
            first_position=0,
            surface=0,
            ranker="r",
            variant="",
            feature_schema="",
            content_pks=np.array(pks),
            scores=np.zeros(len(pks)),
            sources=np.zeros(len(pks)),
            propensities=np.full(len(pks), propensity),
            features=None,
        )
    )
    return request


def evaluate(*arguments: str) -> str:
    out = StringIO()
    call_command("evaluate", "--off-policy", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def pks() -> list[int]:
    make_contents(2)
    return list(Content.objects.order_by("pk").values_list("pk", flat=True))


def test_slots_earn_by_long_views_of_their_own_request(pks: list[int]) -> None:
    first, second = make_slate(pks, 0.5), make_slate(pks, 0.5)
    send(
        make_event(content_id="v0", request_id=str(first), watch_duration=20.0),
        make_event(content_id="v1", request_id=str(first), watch_duration=1.0),
        make_event(content_id="v0", request_id=str(second), watch_duration=2.0),
    )
    slots = logged_slots(content.catalog())
    earned = {key for key, reward in zip(slots.key, slots.reward, strict=True) if reward}
    assert len(slots.key) == 4
    assert earned == {(first, pks[0])}
    assert slots.propensity.tolist() == [0.5] * 4


def test_slates_that_are_too_old_are_left_out(pks: list[int]) -> None:
    make_slate(pks, 0.5, served_ms=NOW_MS - (DAYS + 1) * 86_400_000)
    make_slate(pks[:1], 0.5)
    assert len(logged_slots(content.catalog()).key) == 1


def test_log_that_never_explored_is_refused(pks: list[int]) -> None:
    make_slate(pks, 1.0)
    with pytest.raises(CommandError, match="the logged policy never explored"):
        evaluate()


def test_log_without_slates_is_refused() -> None:
    with pytest.raises(CommandError, match="no slate is in the log"):
        evaluate()


def test_policy_is_judged_by_the_chances_of_its_table(pks: list[int], tmp_path: Path) -> None:
    # Half of 600 slates showed v0, which is watched long, half v1, which is not.
    requests = [(make_slate([pks[i % 2]], 0.5), pks[i % 2]) for i in range(600)]
    long = [
        make_event(content_id="v0", request_id=str(r), watch_duration=20.0, at_ms=NOW_MS - 900 + i)
        for i, (r, pk) in enumerate(requests)
        if pk == pks[0]
    ]
    assert send(*long).accepted == 300
    table = tmp_path / "policy.csv"
    rows = [f"{r},{pk},{0.8 if pk == pks[0] else 0.2}" for r, pk in requests]
    table.write_text("\n".join(["request_id,content_pk,chance", *rows]))
    found = json.loads(evaluate(str(table), "--json"))["off_policy"]
    assert found["logged_mean"] == 0.5
    assert found["snips"]["value"] == pytest.approx(0.8)
    assert Slate.objects.count() == found["slots"] == 600


def test_table_with_other_columns_is_refused(pks: list[int], tmp_path: Path) -> None:
    table = tmp_path / "policy.csv"
    table.write_text("request_id,chance\nx,1\n")
    make_slate(pks, 0.5)
    with pytest.raises(CommandError, match="columns are request_id, content_pk, chance"):
        evaluate(str(table))
