"""The preview in a real browser: a person plays, and the next page follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db.models import F

from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import now_ms
from apps.core.tests.browsing import in_browser
from apps.events.models import Event, Slate
from apps.events.types import EventType
from apps.profiles.services import ensure_viewers, upsert_users
from apps.profiles.types import Preferences, UserRow

WIDTHS = {"desktop": (1280, 800), "phone": (390, 844)}

pytestmark = in_browser


@dataclass
class Preview:
    """The page, and what went over its wires."""

    page: Any
    host: str
    console: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def on_console(message: Any) -> None:
            if message.type in {"error", "warning"}:
                self.console.append(message.text)

        self.page.on("console", on_console)
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.on("request", lambda request: self.urls.append(request.url))

    def open(self, user: str = "alice") -> None:
        self.page.goto(f"{self.host}/?user={user}")
        self.page.wait_for_selector(".slide.is-current")
        self.idle()

    def idle(self) -> None:
        self.page.wait_for_selector("[data-feed][aria-busy=false]")

    def close(self) -> None:
        """Let the page report its last card while the database is still there."""
        if self.page.locator(".slide.is-current").count():
            self.idle()
            with self.page.expect_response("**/api/v1/events"):
                self.page.evaluate("dispatchEvent(new Event('pagehide'))")

    def press(self, key: str) -> None:
        """Press a key and wait for the page that follows from it."""
        with self.page.expect_response(_is_feed):
            self.page.keyboard.press(key)
        self.idle()

    def show_panel(self) -> None:
        """Open the bottom sheet where the panel is one."""
        if self.page.is_visible("[data-open-sheet]"):
            self.page.click("[data-open-sheet]")

    def current(self) -> str:
        return str(self.page.get_attribute(".slide.is-current", "data-content-id"))

    def creators(self) -> list[str]:
        slides = self.page.locator(".slide[data-creator-id]").all()
        return [str(slide.get_attribute("data-creator-id")) for slide in slides]

    def feed_queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(url).query) for url in self.urls if "/api/v1/feed" in url]


@pytest.fixture
def catalog(transactional_db: None) -> None:
    rows = [
        ContentRow(
            content_id=f"v{i}",
            creator_id=f"c{i % 6}",
            metadata=ContentMetadata(
                description=f"Number {i}",
                category=("pets", "music", "travel")[i % 3],
                tags=["fun"],
                duration=30.0,
            ),
        )
        for i in range(40)
    ]
    upsert_contents(rows, now_ms=now_ms() - 60_000)


@pytest.fixture(params=WIDTHS)
def preview(
    request: Any, browser: Any, live_server: Any, settings: Any, catalog: None
) -> Iterator[Preview]:
    settings.PREVIEW_IS_PUBLIC = True
    width, height = WIDTHS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    preview = Preview(context.new_page(), live_server.url)
    preview.listen()
    yield preview
    preview.close()
    context.close()
    assert preview.console == []
    assert {urlsplit(url).netloc for url in preview.urls} == {urlsplit(live_server.url).netloc}


def kinds(user: str = "guest-alice") -> list[tuple[str, str]]:
    viewer = ensure_viewers([user])[user]
    events = Event.objects.filter(viewer_id=viewer).order_by("id")
    rows = events.values_list("kind", "content__content_id")
    return [(EventType(kind).name.lower(), content) for kind, content in rows]


def until(page: Any, is_true: Callable[[], bool]) -> None:
    """Wait until it holds, however busy the machine is."""
    deadline = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        page.wait_for_timeout(50)


def _is_feed(response: Any) -> bool:
    return "/api/v1/feed" in response.url


def test_a_like_is_stored_and_the_cards_to_come_are_ranked_again(preview: Preview) -> None:
    preview.open()
    first = preview.current()
    preview.press("l")
    assert kinds() == [("like", first)]
    assert preview.page.get_attribute(".is-current [data-act=like]", "aria-pressed") == "true"
    query = preview.feed_queries()[-1]
    assert query["unseen"] == ["4"]
    assert query["cursor"]
    assert Slate.objects.order_by("served_ms").values_list("first_position", flat=True)[1] == 1
    preview.press("l")
    assert kinds()[-1] == ("unlike", first)


def test_a_card_that_is_left_is_reported_with_its_watch_time(preview: Preview) -> None:
    opened = time.monotonic()
    preview.open()
    first = preview.current()
    preview.page.wait_for_timeout(2300)
    preview.page.keyboard.press("ArrowDown")
    until(preview.page, lambda: kinds() == [("view", first)])
    view = Event.objects.get()
    assert 2 <= view.watch_seconds < time.monotonic() - opened
    assert Slate.objects.filter(id=view.request_id).exists()
    assert preview.current() != first


def test_a_card_that_is_passed_over_counts_as_skipped(preview: Preview) -> None:
    preview.open()
    first = preview.current()
    preview.press("j")
    assert kinds() == [("view", first), ("skip", first)]


def test_a_card_that_ends_counts_as_complete_and_then_as_replayed(preview: Preview) -> None:
    Content.objects.update(duration_seconds=0.5)
    preview.open()
    first = preview.current()
    until(preview.page, lambda: kinds()[:2] == [("complete_view", first), ("replay", first)])


def test_a_hidden_creator_is_gone_from_what_follows(preview: Preview) -> None:
    preview.open()
    creator = preview.page.get_attribute(".slide.is-current", "data-creator-id")
    preview.press("d")
    assert kinds()[0][0] == "hide"
    assert creator not in preview.creators()[1:]
    for _ in range(3):
        preview.press("x")
    assert creator not in preview.creators()[1:]


def test_following_has_what_followed_creators_made_the_newest_first(preview: Preview) -> None:
    follows = Preferences(creators_followed=["c1", "c4"])
    upsert_users([UserRow("guest-alice", preferences=follows)], now_ms=now_ms())
    Content.objects.update(uploaded_ms=now_ms() - 60_000 + F("pk"), changed_ms=now_ms())
    newest = Content.objects.filter(creator__creator_id__in=["c1", "c4"]).order_by("-uploaded_ms")
    preview.open()
    first = preview.current()
    current = preview.page.locator(".modes [aria-current=page]")
    assert current.all_inner_texts() == ["For You"]
    preview.press("2")
    assert current.all_inner_texts() == ["Following"]
    assert preview.feed_queries()[-1]["mode"] == ["following"]
    slides = preview.page.locator(".slide[data-content-id]").all()
    # The card that was left may be there or not: its report and this page race.
    shown = [c for s in slides if (c := s.get_attribute("data-content-id")) != first]
    expected = newest.exclude(content_id=first).values_list("content_id", flat=True)
    assert shown
    assert shown == list(expected)[: len(shown)]
    preview.page.focus(".modes a:first-child")
    preview.press("Enter")
    assert current.all_inner_texts() == ["For You"]
    assert preview.feed_queries()[-1]["mode"] == ["foryou"]


def test_following_of_nobody_says_what_to_do(preview: Preview) -> None:
    preview.page.goto(f"{preview.host}/?user=alice&mode=following")
    assert "Follow others in For You" in preview.page.inner_text(".slide.end")
    assert not preview.page.locator(".slide[data-content-id]").count()


@pytest.mark.parametrize("by", ["key", "button"])
def test_a_hide_can_be_taken_back(preview: Preview, by: str) -> None:
    preview.open()
    preview.press("d")
    if by == "key":
        preview.press("u")
    else:
        preview.page.click(".toast button")
    until(preview.page, lambda: {"hide", "unhide"} <= {kind for kind, _ in kinds()})
    until(preview.page, lambda: preview.page.inner_text(".toast") == "Taken back")


def test_a_follow_is_stored_and_taken_back(preview: Preview) -> None:
    preview.open()
    preview.press("f")
    assert preview.page.inner_text(".is-current .follow") == "Following"
    preview.press("f")
    assert [kind for kind, _ in kinds()] == ["follow", "unfollow"]


def test_no_content_comes_twice(preview: Preview) -> None:
    preview.open()
    for key in "xlxsxx":
        preview.press(key)
    slides = preview.page.locator(".slide[data-content-id]").all()
    ids = [slide.get_attribute("data-content-id") for slide in slides]
    assert len(set(ids)) == len(ids)


def test_keys_do_nothing_inside_the_form(preview: Preview) -> None:
    preview.open()
    preview.show_panel()
    preview.page.fill("#viewer-name", "")
    preview.page.type("#viewer-name", "lxd")
    assert preview.page.input_value("#viewer-name") == "lxd"
    assert kinds() == []


def test_the_panel_says_why_and_what_was_done(preview: Preview) -> None:
    preview.open()
    preview.press("l")
    preview.show_panel()
    text = preview.page.inner_text("#panel")
    assert "Liked" in text
    assert "your own views" in text
    assert "No model is trained yet" in text


def test_the_view_is_reported_when_the_page_is_closed(preview: Preview) -> None:
    preview.open()
    first = preview.current()
    preview.page.wait_for_timeout(300)
    preview.page.goto("about:blank")
    until(preview.page, lambda: kinds() == [("view", first)])


def test_an_error_is_told_calmly_and_tried_again(preview: Preview) -> None:
    preview.open()
    problem = '{"code": "database-unavailable", "detail": "The database did not answer."}'
    preview.page.route(
        "**/api/v1/feed**",
        lambda route: route.fulfill(
            status=503, content_type="application/problem+json", body=problem
        ),
    )
    preview.page.keyboard.press("l")
    preview.page.wait_for_selector(".toast.error")
    assert "The database did not answer." in preview.page.inner_text(".toast")
    preview.page.unroute("**/api/v1/feed**")
    with preview.page.expect_response(_is_feed):
        preview.page.click(".toast button")
    preview.console.clear()  # Chromium itself writes a line for every 503


def test_the_sheet_of_a_phone_opens_with_focus_and_closes_by_escape(preview: Preview) -> None:
    preview.page.set_viewport_size({"width": 390, "height": 844})
    preview.open()
    preview.page.click("[data-open-sheet]")
    assert preview.page.evaluate("document.activeElement.matches('[data-close-sheet]')")
    preview.page.keyboard.press("Escape")
    assert preview.page.evaluate("document.activeElement.matches('[data-open-sheet]')")
    assert preview.page.is_hidden("#panel")


@pytest.mark.parametrize("width", [320, 360, 375, 390])
def test_the_bar_of_a_phone_fits(width: int, preview: Preview) -> None:
    preview.page.set_viewport_size({"width": width, "height": 700})
    preview.open()
    ends = "document.querySelector('[data-open-sheet]').getBoundingClientRect().right"
    assert preview.page.evaluate(f"Math.max({ends}, document.documentElement.scrollWidth)") <= width


def test_the_theme_can_be_chosen_and_is_kept(preview: Preview) -> None:
    preview.open()
    preview.page.click("[data-theme-toggle]")
    preview.page.reload()
    assert preview.page.get_attribute("html", "data-theme") == "dark"
    preview.page.wait_for_selector(".slide.is-current")


def test_a_wheel_moves_on(preview: Preview) -> None:
    preview.open()
    first = preview.current()
    preview.page.mouse.move(200, 400)
    preview.page.mouse.wheel(0, 700)
    until(preview.page, lambda: preview.current() != first)


def test_an_empty_catalogue_is_said_in_words(preview: Preview) -> None:
    Content.objects.update(status=Content.Status.HIDDEN)
    preview.page.goto(f"{preview.host}/?user=alice")
    preview.page.wait_for_selector(".end")
    assert "nothing to show yet" in preview.page.inner_text(".end")
