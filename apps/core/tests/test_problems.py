"""One error shape for everything under /api/."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


def assert_problem(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"urn:recsys:problem:{code}"
    assert body["title"]
    assert "secret" not in answer.content.decode()


@pytest.fixture
def browser() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.urls("apps.core.tests.urls")
class TestFailures:
    @pytest.mark.parametrize(
        ("address", "status", "code"),
        [
            ("fails/broken", 500, "internal-error"),
            ("fails/missing", 404, "not-found"),
            ("fails/denied", 403, "permission-denied"),
            ("fails/database", 503, "database-unavailable"),
            ("plain", 500, "internal-error"),
            ("plain-denied", 403, "permission-denied"),
            ("nowhere", 404, "not-found"),
        ],
    )
    def test_failure_is_told_as_a_problem_without_its_cause(
        self, address: str, status: int, code: str, browser: Client
    ) -> None:
        assert_problem(browser.get(f"/api/{address}"), status, code)

    def test_unknown_failure_is_logged(
        self, browser: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        browser.get("/api/fails/broken")

        assert "ZeroDivisionError" in caplog.text

    def test_lost_database_asks_to_try_again(self, browser: Client) -> None:
        assert browser.get("/api/fails/database")["Retry-After"] == "2"

    def test_pages_outside_the_api_stay_pages(self, browser: Client) -> None:
        answer = browser.get("/pages/plain")

        assert answer.status_code == 500
        assert answer["Content-Type"].startswith("text/html")


class TestAddresses:
    @pytest.mark.parametrize("address", ["/api/", "/api/v1/", "/api/v1/nothing", "/api/v1/events/"])
    def test_unknown_address_is_a_problem(self, address: str, browser: Client) -> None:
        assert_problem(browser.get(address), 404, "not-found")

    def test_foreign_host_is_a_problem(self, settings: Any, browser: Client) -> None:
        settings.ALLOWED_HOSTS = ["recsys.example"]

        answer = browser.get("/api/v1/feed", headers={"host": "mallory.example"})

        assert_problem(answer, 400, "bad-request")

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
    def test_method_that_is_not_served_is_a_problem(self, method: str, api: Any) -> None:
        headers = {"authorization": f"Bearer {api.key}"}

        answer = getattr(api.client, method)("/api/v1/events", headers=headers)

        assert_problem(answer, 405, "method-not-allowed")
        assert "POST" in answer["Allow"]

    @pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "text/html"])
    def test_other_kinds_of_content_are_a_problem(self, kind: str, api: Any) -> None:
        assert_problem(api.post("events", b"{}", kind), 415, "unsupported-media-type")

    def test_answer_is_json_whatever_the_client_accepts(self, api: Any) -> None:
        headers = {"authorization": f"Bearer {api.key}", "accept": "text/html"}

        answer = api.client.get("/api/v1/feed?user_id=alice", headers=headers)

        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
