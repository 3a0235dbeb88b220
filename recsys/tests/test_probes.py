"""Probes are answered whatever host they name and without HTTPS, as in the Docker image."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(settings: Any) -> None:
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["recsys.example.org"]
    settings.SECURE_SSL_REDIRECT = True


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_by_address_is_answered(production: None, path: str) -> None:
    assert Client(headers={"host": "127.0.0.1:8000"}).get(path).status_code == 200


def test_any_other_request_must_name_an_allowed_host(production: None) -> None:
    client = Client(headers={"host": "127.0.0.1:8000"})
    assert client.get("/api/v1/feed", secure=True).status_code == 400
