"""What the API says about a viewer, and what the pipeline reads of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from apps.core.clock import DAY_MS
from apps.profiles.conf import MUTE_DAYS

PublicId = Annotated[str, Meta(min_length=1, max_length=128)]
ShortText = Annotated[str, Meta(min_length=1, max_length=64)]
AgeBand = Literal["under_13", "13-17", "18-24", "25-34", "35-44", "45-54", "55+"]


class Demographics(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Spec §2.2: what a viewer told about themselves."""

    age_group: AgeBand | None = None
    location: Annotated[str, Meta(max_length=8)] | None = None
    language: Annotated[str, Meta(max_length=16)] | None = None


class Preferences(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Spec §2.2: what a viewer chose."""

    categories: Annotated[list[ShortText], Meta(max_length=50)] | None = None
    creators_followed: Annotated[list[PublicId], Meta(max_length=5000)] | None = None
    personalization: bool | None = None  # may feeds follow from what they did (GDPR art. 21)


class UserUpsert(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Create or change a user; what is left out stays as it is."""

    demographics: Demographics = Demographics()
    preferences: Preferences = Preferences()


class UserRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One user of a batch."""

    user_id: PublicId
    demographics: Demographics = Demographics()
    preferences: Preferences = Preferences()


Keys = NDArray[np.int64]
_NOBODY: Keys = np.empty(0, np.int64)


class Stance(NamedTuple):
    """How a viewer stands to creators: database keys, or whatever `mapped` turned them into."""

    followed: Keys = _NOBODY
    blocked: Keys = _NOBODY
    muted: Keys = _NOBODY  # of whom a content was hidden or reported, not long ago
    muted_ms: Keys = _NOBODY  # when, ms since 1970 UTC

    def hidden(self, at_ms: int, *, mute_days: int = MUTE_DAYS) -> Keys:
        """Return who must not be shown at `at_ms`: the blocked, and the muted for so long."""
        is_fresh = self.muted_ms > at_ms - mute_days * DAY_MS
        return np.concatenate([self.blocked, self.muted[is_fresh]])

    def mapped(self, creators: Callable[[Keys], Keys]) -> Stance:
        """Return the stance with each creator key as `creators` gives it."""
        return Stance(
            creators(self.followed), creators(self.blocked), creators(self.muted), self.muted_ms
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """A viewer as a request sees them; `pk` 0 for one never heard of."""

    pk: int = 0
    age_group: str = ""
    language: str = ""
    categories: tuple[str, ...] = ()
    personalization: bool = True  # False: the viewer refused it
    own_creator: int | None = None  # key of the creator with the viewer's own id
    stance: Stance = Stance()
