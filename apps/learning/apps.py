"""App configuration."""

from django.apps import AppConfig


class LearningConfig(AppConfig):
    """Examples, training, the bundle, and learning between two trainings."""

    name = "apps.learning"

    def ready(self) -> None:
        """Tell `/metrics` of incremental training."""
        from apps.learning import metrics

        metrics.register()
