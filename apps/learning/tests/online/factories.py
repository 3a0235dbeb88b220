"""A bundle that serves, slates with features, and viewers who do something with them."""

from __future__ import annotations

import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from apps.candidates.services import save_retrieval
from apps.candidates.tests.factories import make_models
from apps.content import selectors as content
from apps.core import artifacts
from apps.core.clock import to_datetime
from apps.core.models import Artifact
from apps.events.services import SlateRow, log_slate
from apps.events.tests.factories import make_event, send
from apps.learning import bundle
from apps.learning.conf import OnlineParams
from apps.learning.models import OnlineStep
from apps.learning.online.loop import tick
from apps.learning.online.types import Examples
from apps.profiles.services import ensure_viewers
from apps.ranking.rankers import SELECT_HASH, SELECT_NAMES, Rankers, save_rankers
from apps.ranking.tests.factories import make_inputs, make_rankers
from apps.ranking.types import LEARNED

NOW_MS = 1_767_225_600_000
MINUTE_MS = 60_000
PARAMS = OnlineParams(buffer=20, minutes=5, batch=8, viewer_cap=100)
SETTLED_MS = NOW_MS + 11 * MINUTE_MS  # the labels of what happens at NOW_MS
rankers = lru_cache(make_rankers)


def make_online(n: int = 200, *, seed: int = 1, viewers: int | None = None) -> Examples:
    """Return pairs whose like is decided by their features; each of a viewer of its own."""
    inputs, labels = make_inputs(n, seed=seed)
    y = np.stack([labels[head] for head in LEARNED], axis=1)
    return Examples(inputs, y, np.arange(n) % (viewers or n) + 1)


def serve_bundle(*, until_ms: int = NOW_MS - MINUTE_MS, given: Rankers | None = None) -> Artifact:
    """Promote a bundle that knows the log up to `until_ms`."""
    artifact = store_bundle(until_ms=until_ms, given=given)
    artifacts.promote_artifact(artifact)
    return artifact


def store_bundle(*, until_ms: int = NOW_MS - MINUTE_MS, given: Rankers | None = None) -> Artifact:
    """Store a bundle that knows the log up to `until_ms`."""
    catalog = content.current_catalog()
    held = given or rankers()

    def write(folder: Path) -> dict[str, Any]:
        facts = save_retrieval(make_models(len(catalog)), catalog, folder)
        save_rankers(held, folder)
        known = held.neural or rankers().neural
        assert known is not None
        known.encoder.save(folder)
        return {**facts, "data_until": to_datetime(until_ms).isoformat()}

    return artifacts.store_artifact(bundle.FAMILY, write, check=lambda _: None)


def show(
    user: str,
    content_ids: list[str],
    *,
    at_ms: int = NOW_MS,
    schema: str = SELECT_HASH,
    seed: int = 0,
) -> uuid.UUID:
    """Log a slate with features; return its request_id."""
    keys = content.content_keys(content_ids)
    n = len(content_ids)
    request_id = uuid.uuid4()
    features = np.random.default_rng(seed).normal(size=(n, len(SELECT_NAMES)))
    log_slate(
        SlateRow(
            *(request_id, ensure_viewers([user])[user], uuid.uuid4(), at_ms, 0, 0, "made", ""),
            schema,
            content_pks=np.array([keys[c].pk for c in content_ids]),
            scores=np.zeros(n),
            sources=np.ones(n, np.uint32),
            propensities=np.ones(n),
            features=features.astype(np.float32) if schema else None,
        )
    )
    return request_id


def act(
    kind: str,
    user: str,
    content_id: str,
    request_id: uuid.UUID | None,
    *,
    at_ms: int = NOW_MS,
    received_ms: int | None = None,
    **given: Any,
) -> None:
    """Send one event, received when it happened unless said otherwise."""
    event = make_event(
        kind,
        at_ms,
        user_id=user,
        content_id=content_id,
        request_id=str(request_id) if request_id else None,
        **given,
    )
    answer = send(event, now_ms=received_ms or at_ms)
    assert answer.accepted == 1, answer


def watch_slates(users: int, *, contents: list[str], at_ms: int = NOW_MS) -> None:
    """Let users see a slate of all contents and watch each; even ones long, and liked."""
    for u in range(users):
        user = f"user{u}"
        request_id = show(user, contents, at_ms=at_ms, seed=u)
        for i, content_id in enumerate(contents):
            then = at_ms + 1000 * (i + 1)
            seconds = 20.0 if i % 2 == 0 else 1.0
            act("view", user, content_id, request_id, at_ms=then, watch_duration=seconds)
            if i % 2 == 0:
                act("like", user, content_id, request_id, at_ms=then + 500)


def started(contents: list[str], *, users: int = 5) -> None:
    """Open the first step, then let users do something."""
    assert tick(now_ms=NOW_MS, params=PARAMS) is None
    watch_slates(users, contents=contents)


def states() -> list[str]:
    return list(OnlineStep.objects.order_by("pk").values_list("state", flat=True))


def hashes(artifact: Artifact) -> dict[str, str]:
    return {name: file["sha256"] for name, file in artifact.manifest["files"].items()}
