"""From the upload of a file to what is known of its content, through the child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.content.models import Content
from apps.content.selectors import catalog
from apps.content.services import upsert_contents
from apps.content.tests.factories import NOW_MS, make_content
from apps.content.types import ContentMetadata, ContentRow
from apps.media import services
from apps.media.conf import HELD_MS, MAX_ATTEMPTS, RETRY_MS
from apps.media.models import MediaAnalysis
from apps.media.tests.clips import make_clip, make_scene, tone

pytestmark = pytest.mark.django_db

GARBAGE = b"\0\0\0\x18ftypisom" + bytes(500)  # the first bytes of a clip, and nothing else


def clip(path: Path) -> bytes:
    scenes = [make_scene(seed, 90, 160) for seed in (0, 1)]
    return make_clip(path / "clip", scenes, sound=tone(440, 2)).read_bytes()


def accept(data: bytes, content_id: str = "v1", *, now_ms: int = NOW_MS) -> MediaAnalysis:
    return services.accept(content_id, SimpleUploadedFile("x", data), now_ms=now_ms)


class TestUpload:
    def test_clip_is_stored_analyzed_and_told_of(self, api: Any, tmp_path: Path) -> None:
        make_content()
        data = clip(tmp_path)

        answer = upload(api, data)

        assert (answer.status_code, answer.json()["state"]) == (202, "pending")
        assert catalog().is_servable.all()  # it is served while it waits
        row = MediaAnalysis.objects.get()
        with default_storage.open(row.file.name) as stored:
            assert stored.read() == data
        services.work_next(now_ms=row.due_ms)

        assert api.get("content/v1/media").json() == {
            "content_id": "v1",
            "kind": "video",
            "state": "done",
            "n_attempts": 1,
            "error": "",
        }
        content = Content.objects.get()
        assert content.duration_seconds == pytest.approx(2, abs=0.1)
        assert len(content.audio_features or []) == 60
        row.refresh_from_db()
        assert np.array(row.hashes).shape == (4, 5)

    @pytest.mark.parametrize(
        ("content_id", "data", "expected"),
        [
            ("v1", b"<svg></svg>", (415, "unknown-media-type")),
            ("v1", b"", (415, "unknown-media-type")),
            ("other", GARBAGE, (404, "unknown-content")),
        ],
    )
    def test_what_is_refused_is_not_stored(
        self, api: Any, content_id: str, data: bytes, expected: tuple[int, str], settings: Any
    ) -> None:
        make_content()

        answer = upload(api, data, content_id)

        assert (answer.status_code, answer.json()["code"]) == expected
        assert not MediaAnalysis.objects.exists()
        assert not list(Path(settings.MEDIA_ROOT).rglob("*"))

    def test_file_over_the_limit_is_refused(self, api: Any, settings: Any) -> None:
        settings.MEDIA_MAX_BYTES = 400
        make_content()

        assert upload(api, GARBAGE).status_code == 413

    def test_form_without_a_file_and_another_type_of_body_are_refused(self, api: Any) -> None:
        make_content()

        headers = {"authorization": f"Bearer {api.key}"}
        answer = api.client.post("/api/v1/content/v1/media", {"other": "x"}, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (422, "file-missing")
        assert api.post("content/v1/media", "x", "text/plain").status_code == 415
        assert api.get("content/v1/media").json()["code"] == "no-media"

    def test_key_needs_the_scope(self, api_with: Any) -> None:
        make_content()

        assert upload(api_with("feed:read"), GARBAGE).status_code == 403

    def test_later_file_takes_the_place_of_the_first(
        self, settings: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        make_content()
        accept(GARBAGE)

        with django_capture_on_commit_callbacks(execute=True):
            accept(b"ID3" + bytes(99), now_ms=NOW_MS + 1)

        row = MediaAnalysis.objects.get()
        assert (row.kind, row.state, row.n_bytes) == ("sound", "pending", 102)
        stored = [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]
        assert [p.name for p in stored] == [row.file.name.rpartition("/")[2]]


def upload(api: Any, data: bytes, content_id: str = "v1") -> Any:
    return api.client.post(
        f"/api/v1/content/{content_id}/media",
        {"file": SimpleUploadedFile("../../evil.php", data, content_type="text/html")},
        headers={"authorization": f"Bearer {api.key}"},
    )


class TestFailure:
    def test_damaged_file_fails_at_once_with_its_reason(self) -> None:
        make_content()
        accept(GARBAGE)

        assert services.work_next(now_ms=NOW_MS)

        row = MediaAnalysis.objects.get()
        assert (row.state, row.n_attempts) == ("failed", 1)
        assert row.error == "not a readable video: Invalid data found when processing input"
        assert not services.work_next(now_ms=NOW_MS + 10 * HELD_MS)

    def test_file_that_cannot_be_read_now_is_tried_again_later(self, tmp_path: Path) -> None:
        make_content()
        row = accept(GARBAGE)
        default_storage.delete(row.file.name)  # as when the storage is away

        tried = []
        now_ms = NOW_MS
        for _ in range(MAX_ATTEMPTS):
            assert services.work_next(now_ms=now_ms)
            row.refresh_from_db()
            tried.append((row.state, row.n_attempts, row.due_ms - now_ms))
            assert not services.work_next(now_ms=row.due_ms - 1)
            now_ms = row.due_ms

        assert [state for state, _, _ in tried] == ["pending", "pending", "failed"]
        assert [wait for _, _, wait in tried[:2]] == [RETRY_MS, 4 * RETRY_MS]
        services.retry(row.pk, now_ms=now_ms)
        row.refresh_from_db()
        assert (row.state, row.n_attempts) == ("pending", 0)

    def test_file_whose_worker_was_killed_is_taken_again_and_given_up(self) -> None:
        make_content()
        row = accept(GARBAGE)
        now_ms = NOW_MS
        for _ in range(MAX_ATTEMPTS):
            assert services._claimed(row.pk, now_ms) is not None
            assert services._claimed(row.pk, now_ms + HELD_MS - 1) is None  # it is held
            now_ms += HELD_MS

        assert services.work_next(now_ms=now_ms)

        row.refresh_from_db()
        assert (row.state, row.error) == ("failed", "its worker was killed")

    def test_limits_end_the_child_and_not_the_worker(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        make_content()
        accept(clip(tmp_path))
        monkeypatch.setattr("apps.media.child.CHILD_SECONDS", 0.01)

        assert services.work_next(now_ms=NOW_MS)

        row = MediaAnalysis.objects.get()
        assert (row.state, row.n_attempts) == ("pending", 1)
        assert "it took over" in row.error

    def test_result_for_a_file_that_was_replaced_is_dropped(self, tmp_path: Path) -> None:
        make_content()
        old = accept(clip(tmp_path))
        claimed = services._claimed(old.pk, NOW_MS)
        assert claimed is not None
        accept(GARBAGE, now_ms=NOW_MS + 1)

        services._try(claimed, NOW_MS + 2)

        assert MediaAnalysis.objects.get().state == "pending"
        assert Content.objects.get().audio_features is None


class TestSeen:
    def seen(self, **found: Any) -> Content:
        from apps.content.services import set_seen

        content = Content.objects.get()
        nothing = {"visual_features": None, "audio_features": None, "duration_seconds": None}
        set_seen(content.pk, **nothing | found, now_ms=NOW_MS + 5)
        return Content.objects.get()

    def test_what_the_app_said_stands(self) -> None:
        make_content(duration=9.0, visual_features=[1.0])

        content = self.seen(duration_seconds=2.0, visual_features=[0.5], audio_features=[3.0])

        assert (content.duration_seconds, content.visual_features) == (9.0, [1.0])
        assert content.audio_features == [3.0]
        assert content.changed_ms > NOW_MS  # so that every process reads it again

    def test_what_the_app_says_later_wins_and_a_new_file_replaces_the_old_ones(self) -> None:
        make_content()
        self.seen(visual_features=[0.5], audio_features=[3.0])
        row = ContentRow("v1", metadata=ContentMetadata(visual_features=[1.0]))
        upsert_contents([row], now_ms=NOW_MS + 9, said_ms=[NOW_MS - 9])

        content = self.seen(visual_features=[0.7])

        assert (content.visual_features, content.audio_features) == ([1.0], None)
