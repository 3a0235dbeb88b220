"""What the API says about a viewer, and what the pipeline reads of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

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


class UserUpsert(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Create or change a user; what is left out stays as it is."""

    demographics: Demographics = Demographics()
    preferences: Preferences = Preferences()


class UserRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One user of a batch."""

    user_id: PublicId
    demographics: Demographics = Demographics()
    preferences: Preferences = Preferences()


@dataclass(frozen=True, slots=True)
class Profile:
    """A viewer as a request sees them; `pk` 0 for one never heard of."""

    pk: int = 0
    age_group: str = ""
    language: str = ""
    categories: tuple[str, ...] = ()
    own_creator: int | None = None  # key of the creator with the viewer's own id
    followed: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    hidden: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    # both: database keys of creators
