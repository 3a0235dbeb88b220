"""The pages in a real browser: charts under the strict policy, by keyboard, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.content.tests.factories import make_content
from apps.core.tests.browsing import PHONE, in_browser, is_too_wide, page_of
from apps.events.tests.factories import make_event
from apps.insights.models import Alert, AlertRule, DayTotals
from apps.insights.tests.factories import make_user, on_day, take_in
from apps.learning.tests.rollout.factories import make_candidate

pytestmark = [*in_browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Any, live_server: Any) -> Iterator[Any]:
    """Return a page of an admin that has met no error at its end."""
    make_content("v1", now_ms=on_day(12))
    take_in(*(make_event(at_ms=on_day(d), watch_duration=9, event_id=f"e{d}") for d in range(1, 9)))
    with page_of(make_user("ada", "admin"), browser, live_server.url) as made:
        yield made


def picture(page: Any, *, other_than: str = "") -> str:
    """Wait for a chart and return it as it is drawn; an empty one of this size is far shorter."""
    drawn = page.wait_for_function(
        """other => {
          const picture = document.querySelector('canvas').toDataURL();
          return picture.length > 5000 && picture !== other && picture;
        }""",
        arg=other_than,
    )
    return str(drawn.json_value())


def test_chart_is_drawn_and_follows_the_theme(page: Any) -> None:
    page.goto("/ops/kpis/dau/")
    page.wait_for_function("document.querySelector('canvas').height > 100")
    light = picture(page)
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert picture(page, other_than=light) != light


def test_page_refreshes_itself_and_keeps_the_focus(page: Any) -> None:
    page.goto("/ops/")
    page.locator("a[href='/ops/kpis/ctr/']").focus()
    for row in DayTotals.objects.all():
        row.totals["viewers"] = 4711
        row.save()
    page.evaluate("document.dispatchEvent(new CustomEvent('ops:refresh'))")
    page.wait_for_selector("text=4,711")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/ops/kpis/ctr/"


def test_alert_is_acknowledged_by_keyboard(page: Any) -> None:
    rule = AlertRule.objects.create(name="Clicks fall", metric="ctr_5m", kind="seasonal")
    Alert.objects.create(rule=rule, opened_ms=on_day(0), value=0.5, expected=0.7)
    page.goto("/ops/alerts/")
    page.get_by_role("button", name="Acknowledge").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=you have it")
    assert Alert.objects.get().acknowledged_by is not None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(page: Any, scheme: str) -> None:
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)
    for place in (
        "",
        "kpis/dau/",
        "retention/",
        "alerts/",
        "models/",
        "content/",
        "alerts/rules/new",
    ):
        page.goto(f"/ops/{place}")
        assert not is_too_wide(page), place
    page.goto("/ops/viewer/")
    page.fill("#user_id", "alice")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Last 8 events")
    assert not is_too_wide(page)


def test_canary_is_begun_by_keyboard_on_a_phone(page: Any) -> None:
    page.set_viewport_size(PHONE)
    make_candidate()
    page.goto("/ops/models/")
    page.get_by_role("link", name="Canary …").focus()
    page.keyboard.press("Enter")
    page.fill("#reason", "looks good")
    assert not is_too_wide(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Canary: serves some viewers")
    assert not is_too_wide(page)
