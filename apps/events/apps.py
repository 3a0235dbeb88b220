"""App configuration."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """What happened, once and for ever."""

    name = "apps.events"

    def ready(self) -> None:
        """Let events in whose content arrives after them."""
        from apps.content.services import contents_created

        contents_created.connect(_release, dispatch_uid="events.release")


def _release(*, content_ids: list[str], **_: Any) -> None:
    from apps.events.services import release

    release(content_ids)
