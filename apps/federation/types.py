"""What devices and server tell each other; bytes are base64 in JSON."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Key = Annotated[bytes, Meta(min_length=32, max_length=32)]
Phase = Literal["joining", "sharing", "masking", "unmasking", "closed", "failed"]


class RoundConfig(msgspec.Struct, frozen=True):
    """What every device of a round does alike."""

    least: int  # devices whose sum may be opened
    most: int  # devices that may join
    clip: float  # longest update
    local_rate: float  # learning rate of the local steps, a view
    local_steps: int  # full-batch steps on a device
    noise: float  # deviation of the noise that `least` devices add together, in clips
    scale: float  # units of Z/2³² that 1.0 is worth


class GlobalModelAnswer(msgspec.Struct, frozen=True):
    """The latest global model, and what is known of its devices at most."""

    version: int  # 0: nothing was trained yet
    weights: dict[str, float]  # by feature
    n_rounds: int  # whose sums were opened
    epsilon: float  # of all these rounds together, for every device
    delta: float


class Card(msgspec.Struct, frozen=True):
    """What the server states of a content, the same for everybody."""

    content_id: str
    creator_id: str
    category: str
    language: str
    long_view_seconds: float  # from which on a view of it is a long one
    content_rate: float  # features, see `conf.FEATURES`
    creator_rate: float


class CardsAnswer(msgspec.Struct, frozen=True):
    """Cards of what may be shown, popular first."""

    cards: list[Card]


class RoundAnswer(msgspec.Struct, frozen=True):
    """The round that is open."""

    round_id: UUID
    phase: Phase
    ends_ms: int  # of the phase at the latest, ms since 1970 UTC
    model: GlobalModelAnswer  # to start from
    config: RoundConfig


class JoinRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A device's public keys (X25519), new for each round."""

    mask_key: Key
    seal_key: Key


class JoinAnswer(msgspec.Struct, frozen=True):
    """What the device names itself by in this round."""

    ticket: str


class Peer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A neighbor of the device that still takes part."""

    number: int
    mask_key: bytes
    seal_key: bytes
    sealed: bytes | None = None  # while masking: what it has shared with the device


class TaskAnswer(msgspec.Struct, frozen=True):
    """What the round wants of a device now."""

    phase: Phase
    ends_ms: int
    number: int | None = None  # of the device in the ring; none while joining
    peers: list[Peer] = []  # sharing: to share with; masking: to mask with
    survivors: list[int] = []  # unmasking: peers whose seeds are asked for, and
    dropped: list[int] = []  # those whose mask keys are: they shared and sent no update
    n_survivors: int = 0  # of the whole round
    reason: str = ""  # of a failure


class SealedShares(msgspec.Struct, tag="shares", forbid_unknown_fields=True, frozen=True):
    """While sharing, for every peer: a share of the mask key and one of the seed, sealed."""

    sealed: dict[int, Annotated[bytes, Meta(max_length=128)]]


class MaskedUpdate(msgspec.Struct, tag="masked", forbid_unknown_fields=True, frozen=True):
    """While masking: the masked vector as little-endian uint32."""

    values: Annotated[bytes, Meta(max_length=4096)]


class RevealedShares(msgspec.Struct, tag="revealed", forbid_unknown_fields=True, frozen=True):
    """While unmasking, of every peer: a share of a survivor's seed, or of a lost one's mask key."""

    shares: dict[int, Annotated[bytes, Meta(min_length=33, max_length=33)]]


Work = SealedShares | MaskedUpdate | RevealedShares
