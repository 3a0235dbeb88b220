"""Move events about contents that are not known from the log into the quarantine."""

from datetime import UTC, datetime

from django.db import migrations
from django.db.models import Q

_BATCH = 1000
_DEVICES = ("", "android", "ios", "web", "tablet", "tv", "other")
_WAITING = "unknown-content"
_SAID = ("comment_text", "platform", "reason")


def move_into_quarantine(apps, schema_editor):
    Event = apps.get_model("events", "Event")
    Quarantined = apps.get_model("events", "QuarantinedEvent")
    names = dict(Event._meta.get_field("kind").choices)
    waiting = Event.objects.filter(content_key__isnull=False, content__isnull=True)
    while batch := list(waiting.select_related("viewer", "creator").order_by("pk")[:_BATCH]):
        Quarantined.objects.bulk_create(
            [_waiting(Quarantined, event, names[event.kind]) for event in batch],
            ignore_conflicts=True,
        )
        Event.objects.filter(pk__in=[event.pk for event in batch]).delete()


def _waiting(Quarantined, event, kind_name):
    moment = datetime.fromtimestamp(event.occurred_ms / 1000, UTC).isoformat()
    viewer = event.viewer.pseudonym if event.viewer_id else None
    body = {
        "type": kind_name,
        "user_id": str(viewer) if viewer else None,
        "content_id": event.content_key,
        "creator_id": event.creator.creator_id if event.creator_id else None,
        "timestamp": moment,
        "watch_duration": event.watch_seconds,
        "request_id": str(event.request_id) if event.request_id else None,
        "context": {"surface": event.surface, "device": _DEVICES[event.device] or None},
    }
    return Quarantined(
        reason=_WAITING,
        event_key=event.event_key,
        kind_name=kind_name,
        content_key=event.content_key,
        viewer_pseudonym=viewer,
        body={name: value for name, value in body.items() if value is not None},
        known={
            "flags": event.flags,
            "utc_offset_minutes": event.utc_offset_minutes,
            "network_ms": event.network_ms,
            "info": event.info,
        },
        size_bytes=0,
        received_ms=event.received_ms,
        last_received_ms=event.received_ms,
    )


def move_back(apps, schema_editor):
    """Refused rows have no place in the log: they go with their table."""
    Event = apps.get_model("events", "Event")
    Quarantined = apps.get_model("events", "QuarantinedEvent")
    Viewer = apps.get_model("profiles", "Viewer")
    Creator = apps.get_model("profiles", "Creator")
    kinds = {name: value for value, name in Event._meta.get_field("kind").choices}
    waiting = Quarantined.objects.filter(Q(reason=_WAITING) & ~Q(content_key=""))
    while batch := list(waiting.order_by("pk")[:_BATCH]):
        viewers = dict(
            Viewer.objects.filter(
                pseudonym__in={row.viewer_pseudonym for row in batch if row.viewer_pseudonym}
            ).values_list("pseudonym", "pk")
        )
        creators = dict(
            Creator.objects.filter(
                creator_id__in={row.body.get("creator_id") for row in batch} - {None}
            ).values_list("creator_id", "pk")
        )
        Event.objects.bulk_create(
            [_logged(Event, row, kinds, viewers, creators) for row in batch],
            ignore_conflicts=True,
        )
        Quarantined.objects.filter(pk__in=[row.pk for row in batch]).delete()


def _logged(Event, row, kinds, viewers, creators):
    body, known = row.body, row.known or {}
    context = body.get("context") or {}
    kind_name = row.kind_name.strip().lower().removesuffix("_event")
    info = {name: body[name] for name in _SAID if body.get(name) is not None}
    return Event(
        event_key=row.event_key,
        kind=kinds[kind_name],
        viewer_id=viewers.get(row.viewer_pseudonym),
        creator_id=creators.get(body.get("creator_id")),
        content_key=row.content_key,
        occurred_ms=_moment(body.get("timestamp"), row.received_ms),
        received_ms=row.received_ms,
        watch_seconds=_number(body.get("watch_duration")),
        flags=known.get("flags", 0),
        surface=_number(context.get("surface")) or 0,
        utc_offset_minutes=known.get("utc_offset_minutes", 0),
        device=_DEVICES.index(context.get("device") or ""),
        network_ms=known.get("network_ms", _number(context.get("network_ms"))),
        request_id=(body.get("request_id") or "").strip() or None,
        info=known.get("info", info or None),
    )


def _moment(text, received_ms):
    if text is None:
        return received_ms
    moment = datetime.fromisoformat(text.strip())
    stamp = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(round(stamp.timestamp() * 1000), received_ms + 5 * 60 * 1000)


def _number(value):
    return None if value is None else float(value)


class Migration(migrations.Migration):

    dependencies = [
        ("events", "0003_quarantinedevent"),
        ("profiles", "0001_initial"),
    ]

    operations = [migrations.RunPython(move_into_quarantine, move_back)]
