"""What the feed learns about a viewer's experiments, and what is known of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from apps.core.params import Overrides


@dataclass(frozen=True, slots=True)
class Assigned:
    """What one viewer's experiments ask of one request."""

    variants: Mapping[str, str] = field(default_factory=dict)  # experiment key → variant name
    overrides: Overrides = field(default_factory=Overrides)
    arms: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    # key → primary keys of experiment and variant, of splits that log exposures
    rival: Overrides | None = None  # of the second side, where the page is interleaved
    interleaving: int = 0  # primary key of that experiment
    is_broken: bool = False  # experiments could not be read: control for all

    @property
    def label(self) -> str:
        """What a slate stores: key=variant, by commas."""
        return ",".join(f"{key}={variant}" for key, variant in self.variants.items())


class AssignmentsAnswer(msgspec.Struct, frozen=True):
    """Which variant of each running experiment a viewer sees."""

    experiments: dict[str, str]
    parameters: dict[str, bool | int | float | str]  # that they set


class Arm(msgspec.Struct, frozen=True):
    """One variant as it was counted."""

    name: str
    viewers: int
    share: float  # that it should have, 0–1


class Comparison(msgspec.Struct, frozen=True):
    """One metric of one variant beside the control's."""

    metric: str
    label: str
    role: str  # primary, guardrail or secondary
    variant: str
    control: float
    treatment: float
    difference: float
    low: float  # 95 % at a fixed horizon
    high: float
    safe_low: float  # always valid
    safe_high: float
    p: float  # at a fixed horizon
    p_adjusted: float  # Holm, among the secondary metrics
    safe_p: float
    variance_ratio: float  # what CUPED left of the variance, 0–1
    is_good: bool  # more of the metric is better

    @property
    def relative(self) -> float | None:
        """The difference as a share of the control's value."""
        return self.difference / self.control if self.control else None

    @property
    def percent(self) -> float | None:
        """The same in percent."""
        return None if self.relative is None else 100 * self.relative

    @property
    def shown_p(self) -> float:
        """The p-value that may be read: of secondary metrics Holm's, else the always-valid one."""
        return self.p_adjusted if self.role == "secondary" else self.safe_p

    @property
    def says(self) -> str:
        """What the always-valid interval says: better, worse, or nothing yet."""
        if self.safe_low <= 0 <= self.safe_high:
            return ""
        return "better" if (self.difference > 0) == self.is_good else "worse"


class Segment(msgspec.Struct, frozen=True):
    """The primary metric among some viewers."""

    name: str
    variant: str
    viewers: int
    difference: float
    low: float
    high: float
    p_adjusted: float  # Benjamini-Hochberg, among all segments


class Report(msgspec.Struct, frozen=True):
    """What is known of an experiment at a moment."""

    at_ms: int
    verdict: str
    arms: list[Arm]
    mismatch_p: float
    is_withheld: bool  # the sample ratio is off
    crossed: int  # viewers left out as they met two variants
    forced: int  # viewers left out as they have an override
    comparisons: list[Comparison]
    segments: list[Segment]
