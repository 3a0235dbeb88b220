"""App configuration."""

from typing import Any

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """Contents, their comments and creators."""

    name = "apps.content"

    def ready(self) -> None:
        """Take what an erased viewer wrote out of what contents are about."""
        from apps.content.comments import forget
        from apps.profiles.privacy import erasing

        def on_erasing(viewer: int, now_ms: int, **signal: Any) -> dict[str, int]:
            return {"content.Comment": forget(viewer, now_ms=now_ms)}

        # Not weakly: nobody else holds this receiver.
        erasing.connect(on_erasing, dispatch_uid="content.comments", weak=False)
