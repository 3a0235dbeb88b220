"""App configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """What happened, once and for ever."""

    name = "apps.events"

    def ready(self) -> None:
        """Link events to contents that arrive after them."""
        from apps.content.services import contents_created

        contents_created.connect(_link, dispatch_uid="events.link")


def _link(*, content_ids: list[str], **_: Any) -> None:
    from apps.events.services import link_events

    link_events(content_ids)
