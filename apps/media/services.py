"""Take files of contents, and work off their analysis."""

from __future__ import annotations

import logging
import tempfile
import uuid

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.content.models import Content
from apps.content.services import set_seen
from apps.core.errors import Problem
from apps.media import sounds
from apps.media.child import AnalysisError, analyze_stored
from apps.media.conf import HEAD_BYTES, HELD_MS, MAX_ATTEMPTS, RETRY_MS, TYPES, signature_of
from apps.media.fetching import FetchError, fetch, is_allowed
from apps.media.metrics import ANALYZED
from apps.media.models import MediaAnalysis
from apps.media.types import Found

logger = logging.getLogger(__name__)

State = MediaAnalysis.State


def accept(content_id: str, file: UploadedFile, *, now_ms: int) -> MediaAnalysis:
    """Store the file of a content, in place of one that it has, and let it be analyzed.

    What it is, its first bytes say, not its name. Raises 404 and 415.
    """
    content = _known(content_id)
    signature = signature_of(file.read(HEAD_BYTES))
    file.seek(0)
    if signature is None:
        detail = f"Its first bytes are none of {TYPES}."
        raise Problem(415, "unknown-media-type", detail)
    stored = _store(file)
    try:
        n_bytes = file.size or 0
        return _replace(content, now_ms, file=stored, kind=signature[0], n_bytes=n_bytes)
    except BaseException:
        default_storage.delete(stored)
        raise


def accept_reference(content_id: str, url: str, *, now_ms: int) -> MediaAnalysis:
    """Let the file at an address be fetched and analyzed as the content's, in place of any other.

    Raises 404, and 422 for an address that is not of a listed origin.
    """
    content = _known(content_id)
    if not is_allowed(url):
        allowed = ", ".join(sorted(settings.MEDIA_ORIGINS)) or "none is in RECSYS_MEDIA_ORIGINS"
        raise Problem(422, "origin-not-allowed", f"Expected an address of an origin: {allowed}.")
    return _replace(content, now_ms, url=url)


def _store(file: File[bytes]) -> str:
    # A name of our own: that of the client could be anything.
    name = uuid.uuid4().hex
    return default_storage.save(f"media/{name[:2]}/{name}", file)


def _known(content_id: str) -> Content:
    content = Content.objects.filter(content_id=content_id).first()
    if content is None:
        raise Problem(404, "unknown-content", f"There is no content {content_id!r}.")
    return content


def _replace(content: Content, now_ms: int, **given: str | int) -> MediaAnalysis:
    fresh = {
        "kind": "",
        "url": "",
        "file": "",
        "n_bytes": 0,
        "state": State.PENDING,
        "n_attempts": 0,
        "error": "",
        "due_ms": now_ms,
        "requested_ms": now_ms,
        "finished_ms": None,
        **given,
    }
    with transaction.atomic():
        # The lock on the content orders two uploads: the later one deletes the other's file.
        Content.objects.select_for_update().get(pk=content.pk)
        before = MediaAnalysis.objects.filter(content=content).values_list("file", flat=True)
        for old in filter(None, before):
            transaction.on_commit(lambda old=old: default_storage.delete(old))  # type: ignore[misc]
        return MediaAnalysis.objects.update_or_create(content=content, defaults=fresh)[0]


def work_next(*, now_ms: int) -> bool:
    """Analyze the file that waits longest; return False where nothing waits."""
    due = MediaAnalysis.objects.filter(_is_due(now_ms)).order_by("due_ms", "pk")
    pk = due.values_list("pk", flat=True).first()
    if pk is None:
        return False
    if (analysis := _claimed(pk, now_ms)) is not None:
        _try(analysis, now_ms)
    return True


def retry(analysis_pk: int, *, now_ms: int) -> None:
    """Let a failed analysis be tried again from the start."""
    MediaAnalysis.objects.filter(pk=analysis_pk, state=State.FAILED).update(
        state=State.PENDING, n_attempts=0, due_ms=now_ms
    )


def store_found(
    row: QuerySet[MediaAnalysis], content_pk: int, found: Found, *, now_ms: int
) -> bool:
    """Store what a content's file looks and sounds like; False where the row is not there."""
    with transaction.atomic():
        is_there = row.update(
            state=State.DONE,
            error="",
            finished_ms=now_ms,
            hashes=[[f"{bits:016x}" for bits in crops] for crops in found.hashes],
            unsafe_score=found.unsafe_score,
            model=found.model,
        )
        if is_there:
            set_seen(
                content_pk,
                visual_features=found.visual,
                audio_features=found.audio,
                duration_seconds=found.duration_seconds,
                now_ms=now_ms,
            )
    return bool(is_there)


def _is_due(now_ms: int) -> Q:
    """Return what waits, and what runs for so long that its worker must have been killed."""
    return Q(state__in=[State.PENDING, State.RUNNING], due_ms__lte=now_ms)


def _claimed(pk: int, now_ms: int) -> MediaAnalysis | None:
    """Return the analysis if this worker got it; the attempt counts before it is made.

    So a file that kills the worker itself is given up after as many tries as any other.
    """
    # One conditional UPDATE decides the race: only one worker's row count is 1.
    taken = MediaAnalysis.objects.filter(_is_due(now_ms), pk=pk).update(
        state=State.RUNNING, due_ms=now_ms + HELD_MS, n_attempts=F("n_attempts") + 1
    )
    return MediaAnalysis.objects.get(pk=pk) if taken else None


def _try(analysis: MediaAnalysis, now_ms: int) -> None:
    if analysis.n_attempts > MAX_ATTEMPTS:
        return _fail(analysis, AnalysisError("its worker was killed", is_final=True), now_ms)
    try:
        if not analysis.file and not _fetch(analysis):
            return None  # another file has come meanwhile
        found = analyze_stored(str(analysis.file))
    except (AnalysisError, FetchError) as error:
        return _fail(analysis, error, now_ms)
    return _finish(analysis, found, now_ms)


def _fetch(analysis: MediaAnalysis) -> bool:
    """Fetch and store the file; return False where the row is not ours any more."""
    with tempfile.NamedTemporaryFile() as local:
        n_bytes = fetch(analysis.url, local, most_bytes=settings.MEDIA_MAX_BYTES)
        local.seek(0)
        signature = signature_of(local.read(HEAD_BYTES))
        if signature is None:
            raise FetchError(f"its first bytes are none of {TYPES}", is_final=True)
        local.seek(0)
        stored = _store(File(local))
    fetched = {"file": stored, "kind": signature[0], "n_bytes": n_bytes}
    if not _mine(analysis).update(**fetched):
        default_storage.delete(stored)
        return False
    for name, value in fetched.items():
        setattr(analysis, name, value)
    return True


def _finish(analysis: MediaAnalysis, found: Found, now_ms: int) -> None:
    with transaction.atomic():
        if not store_found(_mine(analysis), analysis.content_id, found, now_ms=now_ms):
            return
        sounds.recognize(analysis.content_id, found.landmarks, now_ms=now_ms)
    ANALYZED.labels(analysis.kind, "done").inc()


def _fail(analysis: MediaAnalysis, error: AnalysisError | FetchError, now_ms: int) -> None:
    is_final = error.is_final or analysis.n_attempts >= MAX_ATTEMPTS
    state = State.FAILED if is_final else State.PENDING
    wait_ms = RETRY_MS * 4 ** (analysis.n_attempts - 1)
    _mine(analysis).update(
        state=state, error=str(error)[:500], due_ms=now_ms + wait_ms, finished_ms=None
    )
    kind = analysis.kind or "reference"
    ANALYZED.labels(kind, "failed" if is_final else "retried").inc()
    logger.warning("analysis %s of a %s failed: %s", analysis.pk, kind, error)


def _mine(analysis: MediaAnalysis) -> QuerySet[MediaAnalysis]:
    """Return the row, unless another file or another worker has come meanwhile."""
    return MediaAnalysis.objects.filter(
        pk=analysis.pk,
        url=analysis.url,
        file=str(analysis.file),
        state=State.RUNNING,
        n_attempts=analysis.n_attempts,
    )
