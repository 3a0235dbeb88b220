"""Experiments with valid minimal defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.content.tests.factories import NOW_MS
from apps.experiments.models import Experiment, Layer
from apps.experiments.services import VariantSpec, save_draft, start

CONTROL: Mapping[str, object] = {}
TREATMENT: Mapping[str, object] = {"feed.creator_cap": 1}


def make_layer(name: str = "default", **given: Any) -> Layer:
    """Return the layer, made where it is new."""
    return Layer.objects.update_or_create(name=name, defaults=given)[0]


def make_draft(
    key: str = "cap",
    *,
    variants: Mapping[str, Mapping[str, object]] | None = None,
    layer: str = "default",
    **given: Any,
) -> Experiment:
    """Store a draft; without variants one that lets a creator have one content a page."""
    named = variants or {"control": CONTROL, "one": TREATMENT}
    fields = {"hypothesis": "More creators, longer visits.", "reserved": 10_000, **given}
    return save_draft(
        Experiment(key=key, layer=make_layer(layer), **fields),
        [VariantSpec(name, parameters=values) for name, values in named.items()],
    )


def make_running(key: str = "cap", *, ramp: int | None = None, **given: Any) -> Experiment:
    """Store a draft and start it, with all its buckets in."""
    draft = make_draft(key, **given)
    return start(draft.pk, ramp=ramp or draft.reserved, now_ms=NOW_MS)
