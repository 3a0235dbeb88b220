"""What changes experiments, and what the feed hands over."""

from apps.experiments.drafting import drafted
from apps.experiments.services.exposures import log_exposures, log_interleaved
from apps.experiments.services.judging import judge, judge_all
from apps.experiments.services.lifecycle import (
    ExperimentError,
    VariantSpec,
    force,
    ramp_up,
    release,
    save_draft,
    start,
    stop,
)

__all__ = [
    "ExperimentError",
    "VariantSpec",
    "drafted",
    "force",
    "judge",
    "judge_all",
    "log_exposures",
    "log_interleaved",
    "ramp_up",
    "release",
    "save_draft",
    "start",
    "stop",
]
