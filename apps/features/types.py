"""Who asks, and what was known when: the inputs of sources, features and rankers alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

from apps.events.types import EventLog


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when a feed is asked for."""

    surface: int = 0  # page of the app, as the client numbers it; 0 = main feed
    utc_offset_minutes: int = 0  # of the viewer's clock
    device: int = 0  # code of `events.types.DEVICES`, 0 unknown
    network_ms: float = math.nan  # what the client measured last; NaN unknown


@dataclass(frozen=True, slots=True)
class Query:
    """One viewer asking at one moment; a training example is a query in the past."""

    viewer: int  # primary key; 0 for a viewer never heard of
    at_ms: int  # ms since 1970 UTC
    history: EventLog  # the viewer's own events strictly before at_ms, in time order
    context: Context = Context()
    language: int = -1  # catalog language code, −1 unknown
