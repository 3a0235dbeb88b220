"""App configuration."""

from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """Moderation, and the roles of those who do it."""

    name = "apps.moderation"

    def ready(self) -> None:
        """Make the groups of the roles after each migration, and tell `/metrics` of the queue."""
        from apps.core.roles import register
        from apps.moderation import metrics
        from apps.moderation.roles import ROLES

        metrics.register()
        register(ROLES, self)
