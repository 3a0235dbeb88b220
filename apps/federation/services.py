"""What devices send in a round: each step once, in its phase, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from apps.core.errors import Problem
from apps.federation.algorithms import masks
from apps.federation.conf import FEATURES
from apps.federation.models import Device, Round, Share
from apps.federation.selectors import (
    UnknownRoundError,
    config_of,
    device_of,
    digest,
    peers_of,
)
from apps.federation.types import JoinRequest, MaskedUpdate, RevealedShares, SealedShares, Work

Phase, Step = Round.Phase, Device.Step


@transaction.atomic
def join(round_id: UUID, keys: JoinRequest, *, user_id: str | None, now_ms: int) -> str:
    """Let a device take part and return its ticket.

    user_id: whom a client token speaks for; they join once, and only that is remembered.
    """
    if not masks.is_usable(keys.mask_key) or not masks.is_usable(keys.seal_key):
        raise Problem(422, "invalid-key", "A key is no public key of X25519.")
    round_ = _locked(round_id, Phase.JOINING, now_ms)
    if Device.objects.filter(round=round_).count() >= config_of(round_).most:
        raise Problem(409, "round-full", "As many devices as may join this round have joined.")
    ticket = secrets.token_urlsafe(32)
    once = salted_hmac(str(round_id), user_id, algorithm="sha256").hexdigest() if user_id else None
    try:
        with transaction.atomic():
            Device.objects.create(
                round=round_,
                ticket=digest(ticket),
                once=once,
                mask_key=keys.mask_key,
                seal_key=keys.seal_key,
            )
    except IntegrityError as error:
        raise Problem(409, "already-joined", "This user has joined this round.") from error
    return ticket


@transaction.atomic
def take(round_id: UUID, ticket: str, given: Work, *, now_ms: int) -> None:
    """Keep what a device has done in the phase for it; raise 403, 404, 409 and 422 for all else."""
    match given:
        case SealedShares():
            device = _stepping(round_id, ticket, Step.SHARED, now_ms)
            _keep_shares(device, given.sealed)
        case MaskedUpdate():
            device = _stepping(round_id, ticket, Step.MASKED, now_ms)
            device.masked = _checked(given.values)
        case RevealedShares():
            device = _stepping(round_id, ticket, Step.REVEALED, now_ms)
            _peers(device, Step.SHARED, given.shares)
            device.revealed = msgspec.to_builtins(given.shares, str_keys=True)
    device.save(update_fields=["step", "masked", "revealed"])


# In which phase a device comes how far.
_PHASES = {
    Step.SHARED: Phase.SHARING,
    Step.MASKED: Phase.MASKING,
    Step.REVEALED: Phase.UNMASKING,
}


def _locked(round_id: UUID, phase: str, now_ms: int) -> Round:
    """Return the round, in its phase until the transaction ends; raise 404 or 409."""
    # The lock orders devices and `rounds.advance`: who is in time is in the sum, who is not is not.
    round_ = Round.objects.select_for_update().filter(pk=round_id).first()
    if round_ is None:
        raise UnknownRoundError
    if round_.phase != phase or now_ms > round_.ends_ms:
        state = "over" if round_.phase == phase else f"at {round_.phase}"
        raise Problem(409, "wrong-phase", f"This is for {phase}; the round is {state}.")
    return round_


def _stepping(round_id: UUID, ticket: str, step: Device.Step, now_ms: int) -> Device:
    """Return the device as of this step; raise 403 and 409, also where one before was left out."""
    device = device_of(_locked(round_id, _PHASES[step], now_ms), ticket)
    if device.step >= step:
        raise Problem(409, "already-sent", "This device has sent this.")
    if device.step < step - 1:
        raise Problem(409, "left-out", "This device left a step out; the round goes on without it.")
    device.step = step
    return device


def _keep_shares(device: Device, sealed: Mapping[int, bytes]) -> None:
    peers = _peers(device, Step.JOINED, sealed)
    Share.objects.bulk_create(
        Share(sender=device, receiver_id=peers[number], sealed=one)
        for number, one in sealed.items()
    )


def _checked(values: bytes) -> bytes:
    if len(values) != 4 * len(FEATURES):
        detail = f"{len(values)} bytes, expected {4 * len(FEATURES)}: one uint32 a feature."
        raise Problem(422, "wrong-length", detail)
    return values


def _peers(device: Device, step: int, given: Iterable[int]) -> dict[int, int]:
    """Return the keys of the peers by number; raise 422 where others were given."""
    found = peers_of(device, step).values_list("number", "pk")
    peers = {number: pk for number, pk in found if number is not None}
    if set(given) != peers.keys():
        raise Problem(422, "wrong-peers", "Expected one for each peer of the task, and no other.")
    return peers
