"""Screen what contents say: verdicts, and what follows from each zone (spec §10.2).

A verdict has a kind: text here, pictures and copies in `media_screening.py`. Without trained
weights no text is judged, and `production` says so.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import transaction

from apps.content.models import Content
from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.clock import SECOND_MS
from apps.core.live import Live
from apps.core.models import Artifact
from apps.moderation.algorithms.normalize import text_digest
from apps.moderation.algorithms.text_classifier import TextClassifier
from apps.moderation.algorithms.zones import Zones
from apps.moderation.conf import CATEGORY_CLAUSE
from apps.moderation.metrics import SCREENED
from apps.moderation.models import Action, Case, ScreeningMark, ScreeningVerdict
from apps.moderation.services.cases import hold, open_case, prioritize, text_of
from apps.moderation.services.decisions import Verdict, decide_automatically

logger = logging.getLogger(__name__)

FAMILY = "screening"
_BATCH = 500
_LAST_PK = 2**62
_RANK = {zone: rank for rank, zone in enumerate(ScreeningVerdict.Zone.values)}  # block is worst
# Contents stamped as lately as this are looked at again: a transaction may commit some time after
# it stamped `changed_ms`.
_LOOKBACK_MS = 60 * SECOND_MS
_EXPLANATION = {
    "text": "An automated check found that the text very likely falls under this rule.",
    "image": "An automated check found that the pictures very likely fall under this rule.",
    "hash": "An automated check found this to be a copy of what was removed under this rule.",
}


class Screening(NamedTuple):
    """What screens texts now."""

    version: str
    classifiers: dict[str, TextClassifier]  # by category
    is_demo: bool = False  # learned from made-up sentences, see `manage.py seed_moderation`


class _Loaded(NamedTuple):
    artifact_pk: int | None
    screening: Screening | None


def production() -> Screening | None:
    """Return what screens texts, None before the first `manage.py train_screening`."""
    return _live.get().screening


def write_classifiers(folder: Path, classifiers: dict[str, TextClassifier]) -> None:
    """Store classifiers as JSON and plain arrays."""
    for category, made in classifiers.items():
        terms = {"words": made.words, "letters": made.letters}
        numbers = {name: getattr(made, name) for name in ("bias", "slope", "shift")}
        said = {**terms, **numbers, "zones": list(made.zones)}
        (folder / f"{category}.json").write_text(json.dumps(said))
        np.savez(folder / f"{category}.npz", idf=made.idf, weights=made.weights)


def read_classifiers(folder: Path) -> dict[str, TextClassifier]:
    """Read what `write_classifiers` wrote."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        said = json.loads(path.with_suffix(".json").read_text())
        zones = Zones(*said.pop("zones"))
        with np.load(path, allow_pickle=False) as arrays:
            found[path.stem] = TextClassifier(**said, **arrays, zones=zones)
    return found


def check_screening(folder: Path) -> None:
    """Load an artifact and ask it something; called in a child process before it serves."""
    classifiers = read_classifiers(folder)
    for category, made in classifiers.items():
        scores = made.scores(["", "hello there", "f u c k y o u", "привет"])
        if category not in CATEGORY_CLAUSE or not np.isfinite(scores).all():
            raise ArtifactError(f"{folder}: {category} is not known or its scores are not finite")
    if not classifiers:
        raise ArtifactError(f"{folder}: there is no classifier in it")


def screen_changes(screening: Screening | None, *, now_ms: int) -> int:
    """Screen the contents that are new or changed since the last time; return how many.

    Texts that this version has judged already are passed over. A content without text is never
    judged. Contents are read by their stamp, the latest minute always again.
    """
    if screening is None:
        return 0
    mark, _ = ScreeningMark.objects.get_or_create(version=screening.version)
    start = min(mark.changed_ms, now_ms - _LOOKBACK_MS)
    done, total = (start, _LAST_PK), 0
    while rows := _next(done):
        total += _screen(rows, screening, now_ms=now_ms)
        done = (rows[-1].changed_ms, rows[-1].pk)
        # Of that very moment there may be more in the next batch.
        ScreeningMark.objects.filter(pk=mark.pk).update(changed_ms=done[0] - 1)
    if done[0] > start:
        ScreeningMark.objects.filter(pk=mark.pk).update(changed_ms=done[0])
    return total


def apply_verdicts(verdicts: Sequence[ScreeningVerdict], *, now_ms: int) -> None:
    """Store verdicts and do what their zones ask; all of one content together.

    review: a case is opened, and the reach limited until it is decided. block: it is removed by an
    automated decision with a statement of reasons, against which one may appeal; with
    `RECSYS_SCREENING_REMOVES=0` it waits as in review.
    """
    by_content: dict[int, list[ScreeningVerdict]] = defaultdict(list)
    for verdict in verdicts:
        by_content[verdict.content_id].append(verdict)
        SCREENED.labels(verdict.kind, verdict.category, verdict.zone).inc()
    clean: list[ScreeningVerdict] = []
    for found in by_content.values():
        worst = max(found, key=lambda v: (_RANK[v.zone], v.score))
        if worst.zone == ScreeningVerdict.Zone.ALLOW:
            clean += found
            continue
        # Each in a transaction of its own: moderators wait for the audit log meanwhile.
        with transaction.atomic():
            _store(found)
            _act(worst, now_ms=now_ms)
    _store(clean)


def _store(verdicts: Sequence[ScreeningVerdict]) -> None:
    ScreeningVerdict.objects.bulk_create(
        verdicts,
        update_conflicts=True,
        unique_fields=["content", "kind", "category"],
        update_fields=["score", "zone", "grounds", "version", "digest", "screened_ms"],
    )


def _next(after: tuple[int, int]) -> list[Content]:
    """Return the next contents by (changed_ms, pk)."""
    at_ms, pk = after
    # A range that the index on changed_ms serves in order; an OR of two conditions would be sorted.
    rest = Content.objects.filter(changed_ms__gte=at_ms).exclude(changed_ms=at_ms, pk__lte=pk)
    return list(rest.order_by("changed_ms", "pk")[:_BATCH])


def _screen(contents: Sequence[Content], screening: Screening, *, now_ms: int) -> int:
    texts = {content.pk: text_of(content) for content in contents}
    digests = {pk: text_digest(text) for pk, text in texts.items()}
    judged = ScreeningVerdict.objects.filter(
        content__in=contents, kind="text", version=screening.version
    ).values_list("content_id", "digest")
    done = set(judged)
    wanted = [pk for pk, digest in digests.items() if digest and (pk, digest) not in done]
    verdicts = _judge(wanted, [texts[pk] for pk in wanted], screening)
    for verdict in verdicts:
        verdict.digest, verdict.screened_ms = digests[verdict.content_id], now_ms
    apply_verdicts(verdicts, now_ms=now_ms)
    return len(wanted)


def _judge(
    pks: Sequence[int], texts: Sequence[str], screening: Screening
) -> list[ScreeningVerdict]:
    found: list[ScreeningVerdict] = []
    for category, classifier in screening.classifiers.items():
        scores = classifier.scores(texts).tolist() if texts else []
        for pk, text, score in zip(pks, texts, scores, strict=True):
            zone = classifier.zones.of(score)
            given: dict[str, Any] = {"kind": "text", "category": category, "score": score}
            grounds = classifier.grounds(text) if zone != "allow" else []
            given |= {"zone": zone, "grounds": grounds, "version": screening.version}
            found.append(ScreeningVerdict(content_id=pk, **given))
    return found


def _act(verdict: ScreeningVerdict, *, now_ms: int) -> None:
    content = Content.objects.select_for_update().get(pk=verdict.content_id)
    if content.status == Content.Status.REMOVED:
        return
    # The category of a copy is the clause under which the original was removed.
    clause = CATEGORY_CLAUSE.get(verdict.category, verdict.category)
    case = open_case(content, source=Case.Source.SCREENING, clause=clause, now_ms=now_ms)
    prioritize([case.pk], now_ms=now_ms)
    if verdict.zone == ScreeningVerdict.Zone.BLOCK and settings.SCREENING_REMOVES:
        said = Verdict(Action.REMOVE, clause, _EXPLANATION[verdict.kind])
        if decide_automatically(case, said, now_ms=now_ms):
            return
    hold(case, now_ms=now_ms)


def _refresh(old: _Loaded | None) -> _Loaded:
    artifact = artifacts.production_artifact(FAMILY)
    pk = artifact.pk if artifact else None
    if old is not None and old.artifact_pk == pk:
        return old
    return _Loaded(pk, _read(artifact) if artifact else None)


def _read(artifact: Artifact) -> Screening | None:
    try:
        folder = artifacts.verified_folder(artifact)
        is_demo = bool(artifact.manifest.get("is_demo"))
        return Screening(f"{FAMILY}-{artifact.pk}", read_classifiers(folder), is_demo)
    except ArtifactError:
        logger.exception("the screening of texts cannot be read; nothing is screened")
        return None


_live: Live[_Loaded] = Live("screening", _refresh)
