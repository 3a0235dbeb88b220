"""App configuration."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """KPIs, their pages, and alerts."""

    name = "apps.insights"

    def ready(self) -> None:
        """Make the groups that may see the pages; join `/metrics` and `manage.py rebuild`."""
        from apps.core.roles import register
        from apps.features.services import also_rebuild
        from apps.insights import telemetry
        from apps.insights.rebuilding import rebuild
        from apps.insights.roles import ROLES

        also_rebuild(rebuild)
        telemetry.register()
        register(ROLES, self)
