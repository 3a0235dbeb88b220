"""Look again at files that were seen by other weights, in another way, or before there were any."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db.models import Q

from apps.media.child import AnalysisError, analyze_stored
from apps.media.conf import RENEW_MS, RENEWED
from apps.media.encoder import model_name, weights_path
from apps.media.metrics import ANALYZED
from apps.media.models import MediaAnalysis
from apps.media.services import store_found

logger = logging.getLogger(__name__)


def renew(*, now_ms: int) -> int:
    """Renew what is known of some files whose vectors are not comparable; return how many.

    What was found before holds meanwhile, and for good where the file cannot be read any more.
    """
    weights = weights_path(settings.VISUAL_MODEL)
    if weights is None:
        return 0
    stale = MediaAnalysis.objects.filter(_is_stale(model_name(weights)), due_ms__lte=now_ms)
    return sum(_renewed(row, now_ms) for row in stale[:RENEWED])


def _is_stale(model: str) -> Q:
    # Two ranges and not an inequality, which no index serves: almost always there are none.
    is_other = Q(model__lt=model) | Q(model__gt=model)
    return Q(state="done", kind__in=["video", "image"]) & is_other


def _renewed(row: MediaAnalysis, now_ms: int) -> bool:
    rows = MediaAnalysis.objects.filter(pk=row.pk, state="done", file=str(row.file))
    # One conditional UPDATE decides the race of two workers, and puts off what fails below.
    if not rows.filter(due_ms=row.due_ms).update(due_ms=now_ms + RENEW_MS):
        return False
    try:
        found = analyze_stored(str(row.file))
    except AnalysisError as error:
        logger.warning("analysis %s is not renewed: %s", row.pk, error)
        return False
    if not store_found(rows, row.content_id, found, now_ms=now_ms):
        return False  # another file has come meanwhile
    ANALYZED.labels(row.kind, "renewed").inc()
    return True
