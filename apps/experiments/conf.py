"""How experiments are judged."""

from __future__ import annotations

from apps.core.clock import DAY_MS

ALPHA = 0.05  # chance of a false verdict, over all looks and variants
MISMATCH_ALPHA = 0.001  # p-value of the sample ratio below which no verdict is given
LEAST_VIEWERS = 100  # of every variant, below which nothing is said: means are not normal yet
PRE_PERIOD_MS = 14 * DAY_MS  # before a viewer's first exposure, that CUPED reads
BASELINE_MS = 14 * DAY_MS  # of the log that the calculator reads
BASELINE_VIEWERS = 400  # of the latest active ones, that it measures: a deviation to a few percent
EXCHANGED_SLATES = 200_000  # latest interleaved pages that a result reads
