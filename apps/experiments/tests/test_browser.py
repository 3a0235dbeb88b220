"""The pages in a real browser: by keyboard, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.content.tests.factories import NOW_MS
from apps.core.tests.browsing import PHONE, in_browser, is_too_wide, page_of
from apps.events.types import EventType
from apps.experiments.models import Experiment
from apps.experiments.services import judge
from apps.experiments.tests.factories import make_draft, make_layer, make_running
from apps.experiments.tests.test_judging import expose, log

pytestmark = [*in_browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """Return a page of staff that has met no error at its end."""
    with page_of(User.objects.create_superuser("mo"), browser, live_server.url) as made:
        yield made


def test_experiment_is_set_up_and_started_by_keyboard(page: Any) -> None:
    make_layer()
    page.goto("/ops/experiments/new")
    page.focus("#id_key")
    for text in ("cap", "More creators."):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.focus("#id_form-1-parameters")
    page.keyboard.type("feed.creator_cap: 1")
    page.get_by_role("button", name="Save draft").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ops/experiments/cap/")
    page.get_by_role("button", name="Start at 1 %").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=runs on 1 % of the layer")
    assert Experiment.objects.get().ramp == 100


def test_stopping_and_large_steps_take_a_second_step(page: Any) -> None:
    make_running()
    page.goto("/ops/experiments/cap/")
    stop = page.get_by_role("button", name="Stop for good")
    assert not stop.is_visible()
    page.locator("summary", has_text="Stop").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=cap is stopped")
    assert Experiment.objects.get().status == Experiment.Status.STOPPED


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(page: Any, scheme: str) -> None:
    make_draft("draft")
    experiment = make_running()
    halves = expose(experiment, 20)
    log(halves["control"] + halves["one"], EventType.VIEW, list(range(20)))
    judge(experiment, now_ms=NOW_MS + 5000)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    for place in ("", "new", "draft/", "cap/"):
        page.goto(f"/ops/experiments/{place}")
        assert not is_too_wide(page), place
    drawn = page.locator("svg.interval").first.bounding_box()
    assert drawn["width"] > 100
