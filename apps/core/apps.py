"""App configuration."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Carries what every app needs and knows no domain."""

    name = "apps.core"

    def ready(self) -> None:
        """Register what describes our authentication, and our lookup."""
        import apps.core.lookups
        import apps.core.schema  # noqa: F401
