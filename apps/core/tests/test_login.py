"""Logins of staff: refused after many have failed, and never for good."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.core import login as login_module
from apps.core.lockout import MOST_FAILED, WINDOW_MS, key_of, note_failure, refused_ms
from apps.core.models import LoginFailure

pytestmark = pytest.mark.django_db
MINUTE_MS = 60_000
RIGHT, WRONG = "correct horse battery", "wrong"


class Clock:
    now_ms = 1_760_000_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The moment at which the form looks, moved by hand."""
    clock = Clock()
    monkeypatch.setattr(login_module, "now_ms", lambda: clock.now_ms)
    return clock


@pytest.fixture(autouse=True)
def _staff(db: None) -> None:
    for name in ("mo", "ann"):
        User.objects.create_user(name, password=RIGHT, is_staff=True)


def attempt(
    password: str, *, client: Client | None = None, name: str = "mo", address: str = "192.0.2.1"
) -> str:
    """Try to log in; say whether it was let in, failed or was refused."""
    answer: Any = (client or Client()).post(
        "/admin/login/?next=/ops/",
        {"username": name, "password": password},
        REMOTE_ADDR=address,
    )
    if answer.status_code == 302:
        return "in"
    said = answer.content.decode()
    return "refused" if "Too many logins have failed. Try again in" in said else "failed"


def fail(times: int = MOST_FAILED, **given: Any) -> list[str]:
    return [attempt(WRONG, **given) for _ in range(times)]


def elsewhere(i: int) -> str:
    return f"198.51.100.{i}"


class TestRefusal:
    def test_ten_failures_of_an_account_refuse_the_right_password_from_anywhere(
        self, clock: Clock
    ) -> None:
        assert [attempt(WRONG, address=elsewhere(i)) for i in range(10)] == ["failed"] * 10

        assert attempt(RIGHT, address=elsewhere(99)) == "refused"
        assert attempt(RIGHT, name="ann", address=elsewhere(99)) == "in"

    def test_ten_failures_from_an_address_refuse_every_account_there(self, clock: Clock) -> None:
        for i in range(10):
            attempt(WRONG, name=f"guess{i}")

        assert attempt(RIGHT) == "refused"
        assert attempt(RIGHT, address=elsewhere(1)) == "in"

    def test_nine_failures_refuse_nothing_and_are_forgiven(self, clock: Clock) -> None:
        fail(9)
        assert attempt(RIGHT) == "in"
        assert fail(1, address=elsewhere(1)) == ["failed"]
        assert attempt(RIGHT, address=elsewhere(1)) == "in"

    def test_own_login_does_not_forgive_what_an_address_failed_at(self, clock: Clock) -> None:
        fail(9, name="ann")
        attempt(RIGHT)
        fail(1, name="ann")

        assert attempt(RIGHT, name="ann") == "refused"

    def test_refusal_ends_after_a_quarter_of_an_hour_however_often_one_tries(
        self, clock: Clock
    ) -> None:
        fail()
        for _ in range(14):
            clock.now_ms += MINUTE_MS
            assert attempt(WRONG) == "refused"
        clock.now_ms += MINUTE_MS

        assert attempt(RIGHT) == "in"

    def test_failures_that_lie_far_apart_refuse_nothing(self, clock: Clock) -> None:
        for _ in range(3 * MOST_FAILED):
            clock.now_ms += 2 * MINUTE_MS
            assert attempt(WRONG) == "failed"

    def test_failures_of_another_case_of_the_name_count_for_the_account(self, clock: Clock) -> None:
        fail(5, name="MO")
        fail(5)

        assert attempt(RIGHT, address=elsewhere(1)) == "refused"

    def test_empty_form_counts_for_nothing(self, clock: Clock) -> None:
        fail(20, name="")

        assert not LoginFailure.objects.exists()


class TestKnownBrowser:
    def test_others_failures_keep_nobody_out_who_has_been_in(self, clock: Clock) -> None:
        known = Client()
        assert attempt(RIGHT, client=known) == "in"
        known.post("/admin/logout/")
        fail()
        assert attempt(RIGHT) == "refused"

        assert attempt(RIGHT, client=known) == "in"

    def test_known_browser_is_refused_by_its_own_failures(self, clock: Clock) -> None:
        known = Client()
        attempt(RIGHT, client=known)
        known.post("/admin/logout/")
        assert fail(client=known) == ["failed"] * 10

        assert attempt(RIGHT, client=known) == "refused"
        assert attempt(RIGHT) == "in"

    def test_browser_is_known_for_its_own_account_alone(self, clock: Clock) -> None:
        known = Client()
        attempt(RIGHT, client=known, name="ann", address=elsewhere(1))
        known.post("/admin/logout/")
        fail()

        assert attempt(RIGHT, client=known, address=elsewhere(1)) == "refused"

    @pytest.mark.parametrize("value", ["", "x", "WyJtbyIsIjEiXQ:1:forged"])
    def test_forged_mark_is_none(self, value: str, clock: Clock) -> None:
        client = Client()
        client.cookies["known_device"] = value
        fail()

        assert attempt(RIGHT, client=client) == "refused"

    def test_mark_is_of_no_use_to_scripts(self, clock: Clock) -> None:
        client = Client()
        attempt(RIGHT, client=client)

        cookie = client.cookies["known_device"]
        assert cookie["httponly"]
        assert (cookie["samesite"], cookie["path"]) == ("Lax", "/admin/login/")


class TestAddress:
    def test_proxy_that_is_trusted_names_the_client(self, clock: Clock, settings: Any) -> None:
        def tried(forwarded: str) -> str:
            client = Client(HTTP_X_FORWARDED_FOR=forwarded)
            return attempt(WRONG, client=client, name=f"guess{LoginFailure.objects.count()}")

        settings.TRUST_PROXY = True
        for i in range(10):
            # Whatever the client claims comes before what the proxy adds.
            tried(f"203.0.113.{i}, 192.0.2.7")
        assert tried("192.0.2.7") == "refused"
        assert tried("192.0.2.8") == "failed"

    def test_proxy_that_is_not_trusted_names_nobody(self, clock: Clock) -> None:
        for i in range(10):
            client = Client(HTTP_X_FORWARDED_FOR=f"203.0.113.{i}")
            attempt(WRONG, client=client, name=f"guess{i}")

        assert attempt(RIGHT) == "refused"


def test_what_is_stored_names_nobody_and_is_forgotten() -> None:
    note_failure([key_of("account", "mo"), key_of("address", "192.0.2.1")], now_ms=1)
    assert not {"mo", "192.0.2.1"} & set(LoginFailure.objects.values_list("key", flat=True))

    note_failure([key_of("account", "ann")], now_ms=2 + 2 * WINDOW_MS)
    assert LoginFailure.objects.count() == 1


def test_time_left_is_that_of_the_key_that_is_refused_longest() -> None:
    for i in range(MOST_FAILED):
        note_failure(["a"], now_ms=1000 + i)
        note_failure(["b"], now_ms=2000 + i)

    assert refused_ms(["a", "b", "c"], now_ms=5009) == WINDOW_MS - 3000
    assert refused_ms(["c"], now_ms=5009) == 0
    assert refused_ms([], now_ms=5009) == 0
