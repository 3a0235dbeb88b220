"""From each page of the staff there is a way to the others that they may see, and to no more."""

from __future__ import annotations

from typing import Any

import pytest

from apps.moderation.tests.factories import make_user

pytestmark = pytest.mark.django_db
KPIS, REVIEW = 'href="/ops/"', 'href="/moderation/"'


def page(client: Any, address: str, role: str) -> str:
    client.force_login(make_user("mo", role))
    return str(client.get(address).content.decode())


@pytest.mark.parametrize("address", ["/ops/", "/moderation/", "/admin/"])
def test_admin_finds_every_page_from_each(address: str, client: Any) -> None:
    told = page(client, address, "admin")

    assert KPIS in told
    assert REVIEW in told


@pytest.mark.parametrize("address", ["/moderation/", "/admin/"])
def test_moderator_is_led_to_no_page_that_refuses_them(address: str, client: Any) -> None:
    told = page(client, address, "moderator")

    assert KPIS not in told
    assert REVIEW in told


def test_who_may_not_see_a_page_is_told_so_and_led_back(client: Any) -> None:
    client.force_login(make_user("mo", "moderator"))

    answer = client.get("/ops/")

    assert answer.status_code == 403
    assert "Your account may not see this page" in answer.content.decode()
    assert 'href="/admin/"' in answer.content.decode()


def test_page_that_is_not_there_leads_back(client: Any) -> None:
    answer = client.get("/moderation/nothing")

    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()
