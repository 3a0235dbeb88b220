"""What a viewer may ask for: a copy of all that is stored of them, and its erasure (spec §10.1).

Tables are found by what they are made of, so that a new one is neither forgotten here nor known
here: those with a foreign key to `Viewer` that cascades, and those with a `viewer_pseudonym`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models, transaction
from django.dispatch import Signal

from apps.core.clock import to_datetime
from apps.core.errors import Problem
from apps.profiles.models import Erasure, Viewer
from apps.profiles.pseudonyms import pseudonym

# Before a viewer's rows go, for what was made of them: `viewer` (its key) and `now_ms`. Receivers
# return the rows that they erased, by table.
erasing = Signal()

_SECRET = {"pseudonym", "viewer_pseudonym"}  # ours, and of no use without the key
_NAMES = {"content": "content__content_id", "creator": "creator__creator_id"}


class ErasedError(Problem):
    """Somebody speaks for a viewer who was erased."""

    def __init__(self, places: Iterable[int] = ()) -> None:
        """`places`: which rows of a batch are of erased users."""
        detail = "This user was erased; nothing is kept of them."
        errors = [{"pointer": f"/{i}", "code": "user-erased", "detail": detail} for i in places]
        super().__init__(410, "user-erased", detail, errors=errors)


def erased(pseudonyms: Iterable[UUID]) -> set[UUID]:
    """Return which of these viewers were erased, in one query if there are any."""
    asked = list(pseudonyms)
    if not asked:
        return set()
    found = Erasure.objects.filter(pseudonym__among=asked)
    return set(found.values_list("pseudonym", flat=True))


def erase(user_id: str, *, now_ms: int) -> Erasure:
    """Erase a viewer from every table, and leave a tombstone that keeps them out (GDPR art. 17).

    Asked again it answers the same. Models keep, until the next training, numbers under a key that
    leads to nobody any more.
    """
    name = pseudonym(user_id)
    with transaction.atomic():
        made, is_new = Erasure.objects.get_or_create(pseudonym=name, defaults={"erased_ms": now_ms})
        if not is_new:
            return made
        # The lock keeps events of the viewer out until there is no viewer that they could have.
        viewer = Viewer.objects.select_for_update().filter(pseudonym=name).first()
        counts = _deleted(viewer, now_ms) if viewer else {}
        for model in _known_by_pseudonym():
            counts[model._meta.label] = model._default_manager.filter(
                viewer_pseudonym=name
            ).delete()[0]
        made.counts = {label: n for label, n in sorted(counts.items()) if n}
        made.save(update_fields=["counts"])
    return made


def _deleted(viewer: Viewer, now_ms: int) -> dict[str, int]:
    written = erasing.send(Viewer, viewer=viewer.pk, now_ms=now_ms)
    counts: Counter[str] = Counter(viewer.delete()[1])
    for _, erased_rows in written:
        counts.update(erased_rows)
    return counts


def export(user_id: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (table, its rows) of all that is stored of a viewer (GDPR art. 15 and 20).

    Raises 404 for a user never heard of, and 410 for an erased one.
    """
    viewer = known(user_id)
    yield _title(Viewer), _rows(Viewer.objects.filter(pk=viewer.pk))
    for model, field in tables():
        yield _title(model), _rows(model._default_manager.filter(**{field: viewer.pk}))
    for model in _known_by_pseudonym():
        yield _title(model), _rows(model._default_manager.filter(viewer_pseudonym=viewer.pseudonym))


def known(user_id: str) -> Viewer:
    """Return the viewer; raise 404 for a user never heard of, and 410 for an erased one."""
    name = pseudonym(user_id)
    viewer = Viewer.objects.filter(pseudonym=name).first()
    if viewer is None:
        if erased([name]):
            raise ErasedError
        raise Problem(404, "unknown-user", "There is no such user.")
    return viewer


def tables() -> list[tuple[type[models.Model], str]]:
    """Return the tables with a foreign key to a viewer, and its name, ordered by name."""
    relations = [r for r in Viewer._meta.related_objects if isinstance(r, models.ManyToOneRel)]
    found = [(r.related_model, r.field.name) for r in relations]
    return sorted(found, key=lambda pair: pair[0]._meta.label)


def _known_by_pseudonym() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if any(field.name == "viewer_pseudonym" for field in model._meta.get_fields())
    ]


def _title(model: type[models.Model]) -> str:
    return str(model._meta.verbose_name_plural)


def _rows(rows: models.QuerySet[Any]) -> list[dict[str, Any]]:
    """Return rows in the order in which they came, with names of contents for their keys."""
    fields = [f for f in rows.model._meta.concrete_fields if f.name not in _SECRET | {"viewer"}]
    plain = [f for f in fields if not isinstance(f, models.BinaryField)]
    sources = {f.name: _NAMES.get(f.name, f.attname) for f in plain}
    found = list(rows.order_by("pk").values(*{f.attname for f in fields}, *sources.values()))
    said = [{f.name: _plain(f, row[sources[f.name]]) for f in plain} for row in found]
    if unpack := getattr(rows.model, "unpacked", None):  # what the packed columns say
        said = [one | more for one, more in zip(said, unpack(found), strict=True)]
    return said


def _plain(field: models.Field[Any, Any], value: Any) -> Any:
    if value is None:
        return None
    if field.name.endswith("_ms"):
        return to_datetime(value).isoformat()
    if field.choices:
        return dict(field.flatchoices).get(value, value)
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)
