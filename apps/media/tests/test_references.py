"""Files that are named by their address: fetched by a worker, from listed origins only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.content.tests.factories import NOW_MS, make_content
from apps.media import services
from apps.media.conf import RETRY_MS
from apps.media.models import MediaAnalysis
from apps.media.tests.clips import make_clip, make_scene, tone

pytestmark = pytest.mark.django_db


class Storage:
    """A storage of files on this machine."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.announced: int | None = None  # length, where it is not that of the body
        self.pause = 0.0  # seconds between two halves
        self.paths: list[str] = []
        self.meanwhile = lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.paths.append(self.path)
                outer.meanwhile()
                self.send_response(outer.status)
                self.send_header("Location", "http://127.0.0.1:1/secret")
                self.send_header("Content-Length", str(outer.announced or len(outer.body)))
                self.end_headers()
                half = len(outer.body) // 2
                self.wfile.write(outer.body[:half])
                self.wfile.flush()
                time.sleep(outer.pause)
                self.wfile.write(outer.body[half:])

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def storage(settings: Any) -> Iterator[Storage]:
    made = Storage()
    settings.MEDIA_ORIGINS = {made.origin}
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def _content() -> None:
    make_content()


def refer(url: str, *, now_ms: int = NOW_MS) -> MediaAnalysis:
    return services.accept_reference("v1", url, now_ms=now_ms)


def worked(row: MediaAnalysis, now_ms: int = NOW_MS) -> MediaAnalysis:
    assert services.work_next(now_ms=now_ms)
    row.refresh_from_db()
    return row


def test_clip_is_fetched_stored_and_analyzed(api: Any, storage: Storage, tmp_path: Path) -> None:
    scenes = [make_scene(seed, 90, 160) for seed in (0, 1)]
    storage.body = make_clip(tmp_path / "clip", scenes, sound=tone(440, 2)).read_bytes()

    answer = api.post("content/v1/media", {"url": f"{storage.origin}/clips/1.mp4?sig=a%20b"})

    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["state"]) == (None, "pending")
    assert storage.paths == []  # the request does not wait for the storage
    row = MediaAnalysis.objects.get()
    worked(row, row.due_ms)
    assert storage.paths == ["/clips/1.mp4?sig=a%20b"]
    assert (row.state, row.kind, row.n_bytes) == ("done", "video", len(storage.body))
    with default_storage.open(row.file.name) as stored:
        assert stored.read() == storage.body


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "http://user@{host}/a",
        "http://{host}@evil.example/a",
        "http://{host}.evil.example/a",
        "https://{host}/a",
        "http://{host}/a\r\nX: y",
        "http://{host}/\u00e9",
        "http://[/",
    ],
)
def test_address_of_another_origin_is_refused(api: Any, storage: Storage, url: str) -> None:
    host = storage.origin.removeprefix("http://")

    answer = api.post("content/v1/media", {"url": url.replace("{host}", host)})

    assert (answer.status_code, answer.json()["code"]) == (422, "origin-not-allowed")
    assert not MediaAnalysis.objects.exists()


def test_without_listed_origins_none_is_taken(api: Any, settings: Any) -> None:
    settings.MEDIA_ORIGINS = set()

    answer = api.post("content/v1/media", {"url": "https://a.example/v.mp4"})

    assert answer.status_code == 422
    assert "RECSYS_MEDIA_ORIGINS" in answer.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"url": ""}, {"url": 5}, {"url": "x", "more": 1}, []])
def test_body_that_names_no_address_is_refused(api: Any, storage: Storage, body: Any) -> None:
    assert api.post("content/v1/media", body).status_code == 422


def test_unknown_content_is_refused(api: Any, storage: Storage) -> None:
    answer = api.post("content/other/media", {"url": f"{storage.origin}/a"})

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-content")


@pytest.mark.parametrize(
    ("status", "error"),
    [(302, "the storage answered 302"), (404, "the storage answered 404")],
)
def test_no_redirect_is_followed_and_what_is_not_there_fails_at_once(
    storage: Storage, status: int, error: str
) -> None:
    storage.status = status

    row = worked(refer(f"{storage.origin}/a"))

    assert (row.state, row.error) == ("failed", error)
    assert storage.paths == ["/a"]


def test_storage_that_is_away_is_asked_again_later(storage: Storage) -> None:
    storage.status = 503

    row = worked(refer(f"{storage.origin}/a"))

    assert (row.state, row.due_ms) == ("pending", NOW_MS + RETRY_MS)
    storage.status, storage.body = 200, b"ID3" + bytes(99)
    assert worked(row, row.due_ms).kind == "sound"


def test_body_over_the_limit_is_not_read_on(storage: Storage, settings: Any) -> None:
    settings.MEDIA_MAX_BYTES = 1000
    storage.body = b"ID3" + bytes(5000)

    row = worked(refer(f"{storage.origin}/a"))

    assert (row.state, row.error) == ("failed", "it is over 1000 bytes")
    assert not [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]


def test_what_is_no_media_fails(storage: Storage, settings: Any) -> None:
    storage.body = b"<html></html>"

    row = worked(refer(f"{storage.origin}/a"))

    assert row.state == "failed"
    assert row.error.startswith("its first bytes are none of MP4")
    assert not [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]


def test_half_a_file_is_not_taken_for_one(storage: Storage) -> None:
    storage.body, storage.announced = b"ID3" + bytes(99), 5000

    row = worked(refer(f"{storage.origin}/a"))

    assert row.state == "pending"
    assert row.kind == ""


def test_slow_storage_does_not_hold_the_worker(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.media.fetching.FETCH_WAIT_SECONDS", 0.05)
    storage.body, storage.pause = b"ID3" + bytes(200_000), 0.5

    row = worked(refer(f"{storage.origin}/a"))

    assert row.state == "pending"
    assert "timed out" in row.error


def test_listed_https_origin_may_not_be_private(settings: Any) -> None:
    settings.MEDIA_ORIGINS = {"https://localhost"}

    row = worked(refer("https://localhost/a"))

    assert row.state == "failed"
    assert "is not a public address" in row.error


def test_origin_that_is_listed_no_more_is_not_asked(storage: Storage, settings: Any) -> None:
    row = refer(f"{storage.origin}/a")
    settings.MEDIA_ORIGINS = set()

    assert worked(row).error == "its origin is not listed"
    assert storage.paths == []


def test_upload_takes_the_place_of_a_reference(storage: Storage) -> None:
    refer(f"{storage.origin}/a")

    row = services.accept("v1", SimpleUploadedFile("x", b"ID3" + bytes(9)), now_ms=NOW_MS)

    assert (row.url, row.kind, row.state) == ("", "sound", "pending")


def test_file_fetched_for_a_row_that_changed_meanwhile_is_dropped(
    storage: Storage, settings: Any
) -> None:
    storage.body = b"ID3" + bytes(99)
    row = refer(f"{storage.origin}/old")
    claimed = services._claimed(row.pk, NOW_MS)
    assert claimed is not None
    refer(f"{storage.origin}/new", now_ms=NOW_MS + 1)

    services._try(claimed, NOW_MS + 2)

    row.refresh_from_db()
    assert (row.state, row.url, row.kind) == ("pending", f"{storage.origin}/new", "")
    assert not [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()]
