"""App configuration."""

from django.apps import AppConfig


class FeaturesConfig(AppConfig):
    """Features, and what consumers keep of the log."""

    name = "apps.features"

    def ready(self) -> None:
        """Let `/metrics` tell how far behind the consumers are."""
        from apps.features import lag

        lag.register()
