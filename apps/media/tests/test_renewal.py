"""Files are looked at again when what looks at them has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.media import encoder, services
from apps.media.conf import HELD_MS, RENEW_MS
from apps.media.models import MediaAnalysis
from apps.media.renewal import renew
from apps.media.tests.clips import make_clip, make_scene

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(encoder.weights_path() is None, reason="no weights: requirements-media.txt"),
]
OF_OTHER_WEIGHTS = "open-nsfw-0123456789ab-2"
LATER_MS = NOW_MS + 2 * HELD_MS


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return make_clip(tmp_path / "clip", [make_scene(0, 90, 160)]).read_bytes()


def analyzed(clip: bytes, *, model: str | None = None) -> MediaAnalysis:
    """Return the finished analysis of the file of a new content, as if by this model."""
    make_content()
    services.accept("v1", SimpleUploadedFile("x", clip), now_ms=NOW_MS)
    assert services.work_next(now_ms=NOW_MS)
    if model is not None:
        MediaAnalysis.objects.update(model=model, unsafe_score=None)
        Content.objects.update(visual_features=[1.0])
    return MediaAnalysis.objects.get()


def test_file_that_was_seen_as_now_is_left_alone(clip: bytes) -> None:
    analyzed(clip)

    assert renew(now_ms=LATER_MS) == 0


@pytest.mark.parametrize("model", ["", "open-nsfw-0123456789ab", OF_OTHER_WEIGHTS, "z"])
def test_file_that_was_seen_otherwise_is_seen_again(clip: bytes, model: str) -> None:
    row = analyzed(clip, model=model)

    assert renew(now_ms=LATER_MS) == 1
    assert renew(now_ms=LATER_MS + RENEW_MS) == 0

    row.refresh_from_db()
    assert (row.state, row.finished_ms, row.n_attempts) == ("done", LATER_MS, 1)
    assert row.unsafe_score is not None
    content = Content.objects.get()
    assert np.linalg.norm(content.visual_features or []) == pytest.approx(1, abs=1e-2)
    assert len(content.visual_features or []) == 1024
    assert content.changed_ms >= LATER_MS  # so that every process embeds it again


def test_vectors_of_another_recipe_are_made_again(
    clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_RECIPE", 1)
    path = encoder.weights_path()
    assert path is not None
    analyzed(clip, model=encoder.model_name(path))
    assert renew(now_ms=LATER_MS) == 0
    monkeypatch.undo()

    assert renew(now_ms=LATER_MS) == 1


def test_what_was_found_stays_where_the_file_is_gone(clip: bytes) -> None:
    row = analyzed(clip, model=OF_OTHER_WEIGHTS)
    default_storage.delete(row.file.name)

    assert renew(now_ms=LATER_MS) == 0

    row.refresh_from_db()
    assert (row.state, row.model, row.due_ms) == ("done", OF_OTHER_WEIGHTS, LATER_MS + RENEW_MS)
    assert row.hashes
    assert Content.objects.get().visual_features == [1.0]


def test_without_weights_nothing_is_seen_again(
    clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzed(clip, model=OF_OTHER_WEIGHTS)
    monkeypatch.setattr(encoder, "_PACKAGE", "no_such_package")

    assert renew(now_ms=LATER_MS) == 0


def test_file_that_came_meanwhile_is_not_overwritten(
    clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzed(clip, model=OF_OTHER_WEIGHTS)
    real = services.analyze_stored

    def beside_an_upload(name: str) -> Any:
        found = real(name)
        services.accept("v1", SimpleUploadedFile("x", b"ID3" + bytes(99)), now_ms=LATER_MS)
        return found

    monkeypatch.setattr("apps.media.renewal.analyze_stored", beside_an_upload)

    assert renew(now_ms=LATER_MS) == 0

    row = MediaAnalysis.objects.get()
    assert (row.state, row.kind, row.model) == ("pending", "sound", OF_OTHER_WEIGHTS)
    assert Content.objects.get().visual_features == [1.0]


def test_idle_worker_renews(clip: bytes) -> None:
    from apps.media.tasks import analyze

    analyzed(clip, model=OF_OTHER_WEIGHTS)

    analyze()

    assert MediaAnalysis.objects.get().model != OF_OTHER_WEIGHTS
