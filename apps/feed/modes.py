"""The ways in which a feed can be filled; this list is the one place that names them.

A mode is a pipeline of the same stages. To add one, add it to `MODES`: the API, the slate, the
inspectors and the documentation of the API take it from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.candidates.types import Request
from apps.core.pipeline import Pipeline
from apps.events.types import MODE_PREFIX
from apps.feed.pipelines import FEED, plain_pipeline
from apps.profiles.types import Profile

FOR_YOU = "foryou"
POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to fill a feed."""

    name: str
    about: str  # for who asks for it, in a few words
    pipeline: Pipeline[Request]
    is_personal: bool = False  # ranked by what the viewer did; what was served lately stays out
    may_end: bool = False  # an empty page is an answer: mutes are not lifted to fill it

    @property
    def ranker(self) -> str:
        """What the slates of a mode that ranks for nobody name as their ranker."""
        return MODE_PREFIX + self.name


MODES: Mapping[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode(FOR_YOU, "ranked for the viewer", FEED, is_personal=True),
        Mode(
            "following",
            "creators the viewer follows, the newest first",
            plain_pipeline("followed"),
            may_end=True,
        ),
        Mode(
            POPULAR,
            "what most watched today, then the newest",
            plain_pipeline("popular_1d", "fresh", keeps_limited=False),
        ),
        Mode("latest", "the newest", plain_pipeline("fresh", keeps_limited=False)),
    )
}


def mode_for(asked: str, profile: Profile) -> str:
    """Return the mode that answers: nothing personal for who refused it (GDPR art. 21)."""
    is_refused = MODES[asked].is_personal and not profile.personalization
    return POPULAR if is_refused else asked


def mode_of(request: Request) -> Mode:
    """Return the mode that answers a request."""
    return MODES[request.mode]
