"""Where the browser is, the mark of tests that need one, and a page of somebody logged in.

The fixture `browser` is in `conftest.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
in_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=f"no browser: none of {_NAMES} is on the PATH"),
]


@contextmanager
def page_of(user: User, browser: Any, host: str, **context: Any) -> Iterator[Any]:
    """Open a page of that user; fail at its end if there was an error or a warning.

    `context` is what Playwright's `new_context` takes: `color_scheme`, `viewport` (else `WIDE`).
    """
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    opened = browser.new_context(**{"viewport": WIDE, "base_url": host} | context)
    opened.add_cookies([{"name": name, "value": client.cookies[name].value, "url": host}])
    page, errors = opened.new_page(), []
    page.on("console", lambda m: errors.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
    finally:
        opened.close()
    assert errors == []


def is_too_wide(page: Any) -> bool:
    """Say whether the page must be scrolled sideways."""
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )
