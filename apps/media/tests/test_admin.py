"""The admin page of media."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.content.tests.factories import NOW_MS, make_content
from apps.media import services
from apps.media.models import MediaAnalysis

pytestmark = pytest.mark.django_db
PAGE = "/admin/media/mediaanalysis/"


def test_page_says_what_failed_and_that_nothing_looks_at_pictures(
    admin_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_content()
    services.accept("v1", SimpleUploadedFile("x", b"ID3" + bytes(50)), now_ms=NOW_MS)
    MediaAnalysis.objects.update(state="failed", error="not a readable sound")

    told = admin_client.get(PAGE).content.decode()

    assert "not a readable sound" in told
    monkeypatch.setattr("apps.media.encoder._PACKAGE", "no_such_package")
    assert "No weights of the visual network" in admin_client.get(PAGE).content.decode()


def test_page_says_that_unsafe_scores_rest_on_no_labels(
    admin_client: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UNSAFE_PERCENT = (60, 101)
    monkeypatch.setattr("apps.media.admin.weights_path", lambda _: "weights")

    told = admin_client.get(PAGE).content.decode()

    assert "never calibrated on labelled pictures" in told
    assert "from 60 % on" in told


def test_failed_ones_are_tried_again(admin_client: Any) -> None:
    make_content()
    row = services.accept("v1", SimpleUploadedFile("x", b"ID3" + bytes(50)), now_ms=NOW_MS)
    MediaAnalysis.objects.update(state="failed", n_attempts=3)

    admin_client.post(PAGE, {"action": "try_again", "_selected_action": [row.pk]})

    row.refresh_from_db()
    assert (row.state, row.n_attempts) == ("pending", 0)
