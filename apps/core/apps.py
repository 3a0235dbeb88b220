"""App configuration."""

from django.apps import AppConfig
from django.conf import settings


class CoreConfig(AppConfig):
    """Carries what every app needs and knows no domain."""

    name = "apps.core"

    def ready(self) -> None:
        """Register what describes our authentication, and our lookup; start a simulated clock."""
        import apps.core.lookups
        import apps.core.schema  # noqa: F401
        from apps.core.clock import set_virtual

        if settings.VIRTUAL_MS:
            set_virtual(settings.VIRTUAL_MS)
