"""Write the synthetic world and its history into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isnan
from typing import Any

import msgspec
import numpy as np
from django.db import transaction

from apps.content.models import Sound
from apps.content.selectors import content_keys
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import to_datetime
from apps.events.importers.run import batches
from apps.events.services import LoggedEvent, append_log
from apps.events.types import DEVICE_CODE, EventType
from apps.profiles.models import Creator
from apps.profiles.services import ensure_viewers, upsert_users
from apps.profiles.types import AgeBand, Demographics, Preferences, UserRow
from apps.simulation.history import History, simulate_history
from apps.simulation.remarks import COMMENT_TEXTS
from apps.simulation.vocabulary import AGE_GROUPS, DEVICES, LANGUAGES
from apps.simulation.world import World

Progress = Callable[[str, int, int], None]  # what, how many more, of how many
_BATCH = 500
_EVENT_BATCH = 20_000


@transaction.atomic
def store_world(world: World, *, now_ms: int, progress: Progress) -> int:
    """Store creators, contents, viewers and two weeks of their events; return how many events.

    All or nothing: half a world would look like one to whoever starts again.
    """
    _store_contents(world, now_ms, progress)
    _store_viewers(world, now_ms, progress)
    history = simulate_history(world, rng=np.random.default_rng(world.params.seed))
    viewers = _viewer_keys(world)
    contents = {
        k: v
        for part in batches(iter(world.contents.id), _BATCH)
        for k, v in content_keys(part).items()
    }
    n = len(history.at_ms)
    for events in batches(_events(world, history), _EVENT_BATCH):
        append_log(events, viewers=viewers, contents=contents)
        progress("events", len(events), n)
    return n


def content_row(world: World, row: int) -> dict[str, Any]:
    """Return a content as its creator uploads it, for JSON."""
    return dict(msgspec.to_builtins(_content(world, row)))


def _store_contents(world: World, now_ms: int, progress: Progress) -> None:
    for rows in batches(_contents(world), _BATCH):
        upsert_contents(rows, now_ms=now_ms)
        progress("contents", len(rows), len(world.contents.id))
    names = dict(zip(world.creators.id, world.creators.name, strict=True))
    creators = list(Creator.objects.filter(creator_id__in=list(names)))
    for creator in creators:
        creator.name = names[creator.creator_id]
    Creator.objects.bulk_update(creators, ["name"], batch_size=_BATCH)
    titles = dict(zip(world.sound_ids, world.sound_titles, strict=True))
    sounds = list(Sound.objects.filter(audio_id__in=list(titles)))
    for sound in sounds:
        sound.title = titles[sound.audio_id]
    Sound.objects.bulk_update(sounds, ["title"], batch_size=_BATCH)


def _contents(world: World) -> Iterator[ContentRow]:
    return (_content(world, row) for row in range(len(world.contents.id)))


def _content(world: World, row: int) -> ContentRow:
    contents = world.contents
    return ContentRow(
        content_id=contents.id[row],
        creator_id=world.creators.id[contents.creator[row]],
        upload_timestamp=to_datetime(int(contents.uploaded_ms[row])),
        metadata=ContentMetadata(
            description=contents.description[row],
            tags=list(contents.tags[row]),
            audio_id=world.sound_ids[contents.sound[row]],
            category=world.topics[contents.category[row]],
            language=LANGUAGES[contents.language[row]],
            duration=float(contents.duration_seconds[row]),
        ),
    )


def _store_viewers(world: World, now_ms: int, progress: Progress) -> None:
    for rows in batches(_users(world), _BATCH):
        # Follows are as old as the history, so that later unfollows win.
        upsert_users(rows, now_ms=world.params.start_ms)
        progress("viewers", len(rows), len(world.viewers.id))


def _users(world: World) -> Iterator[UserRow]:
    viewers = world.viewers
    for row, user_id in enumerate(viewers.id):
        yield UserRow(
            user_id=user_id,
            demographics=Demographics(
                age_group=_age_band(AGE_GROUPS[viewers.age_group[row]]),
                location=viewers.country[row],
                language=LANGUAGES[viewers.language[row]],
            ),
            preferences=Preferences(
                categories=[world.topics[viewers.stated_topic[row]]],
                creators_followed=[
                    world.creators.id[c] for c in np.flatnonzero(viewers.follows[row])
                ],
            ),
        )


def _age_band(name: str) -> AgeBand:
    return msgspec.convert(name, AgeBand)


def _viewer_keys(world: World) -> dict[str, int]:
    parts = batches(iter(world.viewers.id), _BATCH)
    return {k: v for part in parts for k, v in ensure_viewers(part).items()}


def _events(world: World, history: History) -> Iterator[LoggedEvent]:
    kinds = {int(kind): kind for kind in EventType}
    devices = [DEVICE_CODE[name] for name in DEVICES]
    columns = (
        history.viewer,
        history.content,
        history.kind,
        history.at_ms,
        history.watch_seconds,
        history.utc_offset_minutes,
        history.device,
        history.comment,
    )
    for viewer, content, kind, at_ms, watch, offset, device, comment in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        yield LoggedEvent(
            user_id=world.viewers.id[viewer],
            content_id=world.contents.id[content],
            kind=kinds[kind],
            at_ms=at_ms,
            watch_seconds=None if isnan(watch) else round(watch, 2),
            utc_offset_minutes=offset,
            device=devices[device],
            info={"comment_text": COMMENT_TEXTS[comment]} if comment >= 0 else None,
        )
