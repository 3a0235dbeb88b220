"""The registry of features in a real browser: found, read and left by keyboard, wide and narrow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.core.tests.browsing import in_browser, is_too_wide, page_of
from apps.features.definitions import NAMES

WIDTHS = {"wide": (1280, 800), "narrow": (360, 740)}

pytestmark = in_browser


@pytest.fixture(params=[(w, t) for w in WIDTHS for t in ("light", "dark")], ids=str)
def page(request: Any, browser: Any, live_server: Any, transactional_db: None) -> Iterator[Any]:
    width, theme = request.param
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    look = {"viewport": size, "color_scheme": theme, "reduced_motion": "reduce"}
    with page_of(User.objects.create_superuser("mo"), browser, live_server.url, **look) as page:
        page.goto("/ops/features/")
        yield page
        if folder := os.environ.get("TEST_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/features-{width}-{theme}.png")


def visible(page: Any) -> list[str]:
    rows = page.locator("[data-row]:visible th code").all_inner_texts()
    return [str(name) for name in rows]


def test_page_shows_the_registry_and_fits_the_window(page: Any) -> None:
    assert visible(page) == list(NAMES)
    assert not is_too_wide(page)


def test_reader_finds_a_feature_by_keyboard(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("half-life 720")
    found = visible(page)
    assert found
    assert all(name.endswith("720h") for name in found)
    assert page.inner_text("[data-found]") == f"{len(found)} features"
    page.keyboard.type("!")
    assert visible(page) == []
    assert page.is_visible("[data-none]")


def test_first_tab_leads_past_the_bar(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.skip')")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "features"


def test_text_stands_out_from_its_background(page: Any) -> None:
    contrast = page.evaluate(
        """() => {
          const light = (rgb) => {
            const [r, g, b] = rgb.match(/[\\d.]+/g).slice(0, 3).map((v) => {
              const c = v / 255;
              return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = light(getComputedStyle(document.querySelector("table")).backgroundColor);
          return ["tbody th code", "tbody th span", "td", "td small"].map((at) => {
            const ink = light(getComputedStyle(document.querySelector(at)).color);
            return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
          });
        }"""
    )
    assert min(contrast) >= 4.5


def test_theme_can_be_changed(page: Any) -> None:
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("[data-theme-toggle]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
