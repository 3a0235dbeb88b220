"""The review queue in a real browser, by keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import now_ms
from apps.core.tests.browsing import PHONE, WIDE, in_browser, is_too_wide, page_of
from apps.events.tests.factories import make_event, send
from apps.moderation.models import Case, Decision
from apps.moderation.services import reports
from apps.moderation.tests.factories import empty_audit, make_user

pytestmark = [*in_browser, pytest.mark.django_db(transaction=True)]
SIZES = {"desktop": WIDE, "phone": PHONE}


class Desk:
    """The page of a moderator."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.page.goto("/moderation/")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_selector("[data-bench]:not([aria-busy])")

    def said(self) -> str:
        return str(self.page.text_content("[data-toast]"))

    def current(self) -> str:
        return str(self.page.text_content("[data-current] h2"))


def fill(n: int) -> None:
    """Store n reported contents."""
    moment = now_ms()
    rows = [
        ContentRow(
            f"v{i}",
            "bob",
            metadata=ContentMetadata(
                description=f"A reported text, number {i}", media_url="/static/none.mp4"
            ),
        )
        for i in range(n)
    ]
    upsert_contents(rows, now_ms=moment)
    send(
        *(make_event("report", at_ms=moment, content_id=f"v{i}", reason="spam") for i in range(n)),
        now_ms=moment,
    )
    reports.keep_up()


@pytest.fixture
def desk(browser: Any, live_server: Any, request: Any) -> Iterator[Desk]:
    n, size, scheme = getattr(request, "param", (4, "desktop", "light"))
    fill(n)
    look = {"viewport": SIZES[size], "color_scheme": scheme}
    try:
        with page_of(make_user(), browser, live_server.url, **look) as page:
            yield Desk(page)
    finally:
        empty_audit()


def test_case_is_claimed_decided_and_undone_by_keys(desk: Desk) -> None:
    first = desk.current()
    desk.press("r")
    assert "Claim it first" in desk.said()
    desk.press("c", "r")
    assert "Reason?" in desk.said()
    desk.press("7")
    assert "Remove" in desk.said()
    assert desk.current() != first
    assert Content.objects.get(content_id=first).status == "removed"

    desk.press("z")

    assert desk.current() == first
    assert Content.objects.get(content_id=first).status == "active"
    assert Case.objects.filter(state="decided").count() == 0


def test_keys_move_help_and_unblur_and_are_letters_in_a_text(desk: Desk) -> None:
    first = desk.current()
    desk.press("j")
    assert desk.current() != first
    desk.press("k")
    assert desk.current() == first

    assert desk.page.locator(".media.is-blurred").count() == 1
    assert desk.page.locator("video").count() == 0  # nothing is loaded unasked
    desk.press("?")
    assert desk.page.locator("dialog[open]").count() == 1
    desk.press("Escape")
    desk.page.fill("[name=note]", "")
    desk.page.focus("[name=note]")
    desk.press("c", "r", "1")

    assert desk.page.input_value("[name=note]") == "cr1"
    assert not Decision.objects.exists()


def test_escalated_case_leaves_the_queue(desk: Desk) -> None:
    desk.press("c", "e")

    assert desk.page.locator("[data-case]").count() == 3
    assert Case.objects.filter(is_escalated=True, holder=None).count() == 1


def test_page_works_without_its_script(desk: Desk) -> None:
    page = desk.page.context.browser.new_context(java_script_enabled=False).new_page()
    page.context.add_cookies(desk.page.context.cookies())
    page.goto(desk.page.url)
    page.click("[data-claim]")
    page.check("input[value=spam]")
    page.click("button[value=remove]")

    assert Decision.objects.get().action == "remove"
    page.context.close()


@pytest.mark.parametrize(
    "desk", [(3, "phone", "dark"), (3, "desktop", "dark")], indirect=True, ids=["phone", "desktop"]
)
def test_nothing_is_wider_than_the_window(desk: Desk) -> None:
    assert not is_too_wide(desk.page)


@pytest.mark.slow
@pytest.mark.parametrize("desk", [(60, "desktop", "light")], indirect=True)
def test_sixty_decisions_take_under_two_minutes(desk: Desk) -> None:
    started = time.monotonic()
    for _ in range(60):
        desk.press("c", "7", "r")
    seconds = time.monotonic() - started
    print(f"60 decisions by keys: {seconds:.1f} s")

    assert Decision.objects.filter(action="remove").count() == 60
    assert desk.page.is_visible("[data-empty]")
    assert seconds < 120
