"""Webhooks: signed, sent until taken, and never to a private address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from apps.core.clock import DAY_MS, now_ms
from apps.core.models import WebhookDelivery, WebhookEndpoint
from apps.core.webhooks import services
from apps.core.webhooks.signing import is_genuine, signature


class Receiver:
    """A server on this machine that keeps what it is told."""

    def __init__(self) -> None:
        self.status = 204
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE = True
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


class TestSignature:
    def test_is_the_hmac_of_time_and_body(self) -> None:
        # printf '5.{}' | openssl dgst -sha256 -hmac key
        expected = "9be615aec64f0d044b5ad6854ab1d893ec88617fb728d2149dcd3a3428e8c45d"

        assert signature("key", b"{}", at_seconds=5) == f"t=5,v1={expected}"

    def test_another_body_secret_or_time_does_not_fit(self) -> None:
        header = signature("key", b"{}", at_seconds=1000)

        assert is_genuine(header, "key", b"{}", now_seconds=1299)
        assert not is_genuine(header, "key", b"{ }", now_seconds=1000)
        assert not is_genuine(header, "other", b"{}", now_seconds=1000)
        assert not is_genuine(header, "key", b"{}", now_seconds=1301)
        assert not is_genuine(header.replace("1000", "1001"), "key", b"{}", now_seconds=1000)
        assert not is_genuine("nonsense", "key", b"{}", now_seconds=1000)


@pytest.mark.django_db
class TestDelivery:
    def test_message_arrives_once_and_signed(self, receiver: Receiver) -> None:
        endpoint = services.add_endpoint(receiver.url)
        services.announce("thing.done", {"n": 1}, now_ms=now_ms())

        assert services.deliver_due() == 1
        assert services.deliver_due() == 0

        ((path, headers, body),) = receiver.requests
        assert path == "/hook?a=1"
        said = json.loads(body)
        assert (said["topic"], said["data"]) == ("thing.done", {"n": 1})
        assert headers["Webhook-Id"] == said["id"]
        assert is_genuine(
            headers["Webhook-Signature"],
            endpoint.secret,
            body,
            now_seconds=now_ms() // 1000,
        )
        assert WebhookDelivery.objects.get().state == "delivered"

    @pytest.mark.parametrize("status", [500, 404, 301])
    def test_refused_message_waits_longer_each_time(self, status: int, receiver: Receiver) -> None:
        receiver.status = status
        services.add_endpoint(receiver.url)
        services.announce("thing.done", {}, now_ms=now_ms())
        services.deliver_due()

        delivery = WebhookDelivery.objects.get()
        assert (delivery.state, delivery.attempts, delivery.answer) == ("waiting", 1, str(status))
        assert delivery.due_ms > now_ms() + 20_000
        assert len(receiver.requests) == 1  # no redirect was followed

        receiver.status = 200
        WebhookDelivery.objects.update(due_ms=0)
        services.deliver_due()
        assert WebhookDelivery.objects.get().state == "delivered"
        assert WebhookEndpoint.objects.get().failing_since_ms is None

    def test_after_three_days_it_is_given_up_and_the_endpoint_switched_off(
        self, receiver: Receiver
    ) -> None:
        receiver.status = 500
        services.add_endpoint(receiver.url)
        services.announce("thing.done", {}, now_ms=now_ms() - 4 * DAY_MS)
        WebhookEndpoint.objects.update(failing_since_ms=now_ms() - 4 * DAY_MS)

        services.deliver_due()

        assert WebhookDelivery.objects.get().state == "given_up"
        assert not WebhookEndpoint.objects.get().is_active

    def test_only_who_wants_the_topic_is_told(self) -> None:
        services.add_endpoint("https://a.example/", ["other"])
        services.add_endpoint("https://b.example/", ["thing.done"])
        services.announce("thing.done", {}, now_ms=0)

        assert WebhookDelivery.objects.get().endpoint.url == "https://b.example/"

    def test_private_address_is_a_failure_that_is_named(self) -> None:
        endpoint = services.add_endpoint("https://127.0.0.1/")

        sent = services.send_test(endpoint, now_ms=now_ms())

        assert sent.state == "given_up"
        assert "not a public address" in sent.answer


def test_waits_double_up_to_six_hours() -> None:
    waits = [services.wait_ms(n) for n in range(1, 15)]

    assert waits[:3] == [30_000, 60_000, 120_000]
    assert max(waits) == waits[-1] == 6 * 3_600_000
