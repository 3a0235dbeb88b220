"""App configuration."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ExperimentsConfig(AppConfig):
    """Experiments."""

    name = "apps.experiments"

    def ready(self) -> None:
        """Let every app register the parameters that may be varied."""
        autodiscover_modules("conf")
