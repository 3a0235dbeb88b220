"""How long a viewer's "not for me" lasts."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.params import register

MUTE_DAYS = 14  # a hidden or reported content hides its creator for two weeks
RECOVERY_DAYS = 140  # after which the creator comes back to full strength this slowly


@dataclass(frozen=True, slots=True)
class MuteParams:
    """What an experiment may shorten; older mutes are not read."""

    mute_days: int = MUTE_DAYS
    recovery_days: int = RECOVERY_DAYS


PARAMS = MuteParams()
register("profiles", PARAMS, {"mute_days": (0, MUTE_DAYS), "recovery_days": (1, RECOVERY_DAYS)})
