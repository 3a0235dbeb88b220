"""Rounds from one phase to the next: opened by the plan, closed with a new global model."""

from __future__ import annotations

import base64
import logging
import secrets

import msgspec
import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from apps.core.errors import RecsysError
from apps.federation.algorithms import masks, shamir, skellam
from apps.federation.conf import FEATURES, N_NEIGHBORS
from apps.federation.models import Device, GlobalModel, Plan, Round
from apps.federation.selectors import (
    active_plan,
    config_of,
    latest_model,
    loss_of,
    spent,
    weights_of,
)
from apps.federation.types import RoundConfig

logger = logging.getLogger(__name__)

Phase, Step = Round.Phase, Device.Step
_MINUTE_MS = 60_000
_DEVIATIONS = 10.0  # of the noise: what is longer than any sum can be comes of wrong shares
# What follows a phase, how far devices have come by then, and where their number is kept.
_NEXT = {
    Phase.JOINING: (Phase.SHARING, Step.JOINED, "n_joined"),
    Phase.SHARING: (Phase.MASKING, Step.SHARED, "n_shared"),
    Phase.MASKING: (Phase.UNMASKING, Step.MASKED, "n_masked"),
}


class OpeningError(RecsysError):
    """The sum of a round cannot be opened."""


def advance(*, now_ms: int) -> bool:
    """Take the round one phase on, or open one, where that is due; False where nothing is.

    For one caller at a time. A phase is over when all devices it waits for have sent, or at its
    end; with fewer devices than the least the round fails, and nothing of it is known.
    """
    round_ = Round.objects.filter(is_open=True).first()
    if round_ is None:
        return _open(active_plan(), now_ms)
    if round_.phase == Phase.UNMASKING:
        return _close(round_, now_ms)
    with transaction.atomic():
        return _take_on(Round.objects.select_for_update().get(pk=round_.pk), now_ms)


def _take_on(round_: Round, now_ms: int) -> bool:
    config, phase = config_of(round_), Phase(round_.phase)
    following, step, counted_as = _NEXT[phase]
    devices = Device.objects.filter(round=round_, step__gte=step)
    n_devices = devices.count()
    n_awaited = round_.n_shared or round_.n_joined or config.most
    if n_devices != n_awaited and now_ms <= round_.ends_ms:
        return False
    if n_devices < config.least:
        # Before its number is kept: no sum of so few is opened, so that nothing is spent.
        _end(round_, Phase.FAILED, f"{n_devices} devices after {phase}, {config.least} are needed")
        return True
    setattr(round_, counted_as, n_devices)
    if phase == Phase.JOINING:
        _place(devices)
    round_.phase = following
    round_.ends_ms = now_ms + round_.step_minutes * _MINUTE_MS
    round_.save()
    return True


def _open(plan: Plan | None, now_ms: int) -> bool:
    if plan is None:
        return False
    config = RoundConfig(
        least=plan.least,
        most=plan.most,
        clip=plan.clip,
        local_rate=plan.local_rate,
        local_steps=plan.local_steps,
        noise=plan.noise,
        scale=skellam.fitting_scale(
            clip=plan.clip, noise=plan.noise, least=plan.least, most=plan.most
        ),
    )
    if skellam.epsilon(spent() + loss_of(config), plan.delta) > plan.epsilon:
        return False  # the budget is spent
    Round.objects.create(
        base=latest_model(),
        config=msgspec.to_builtins(config),
        step_minutes=plan.step_minutes,
        opened_ms=now_ms,
        ends_ms=now_ms + plan.join_minutes * _MINUTE_MS,
    )
    return True


def _place(devices: QuerySet[Device]) -> None:
    """Give devices their places in the ring, by lot: nobody chooses whose neighbor to be."""
    found = list(devices)
    secrets.SystemRandom().shuffle(found)
    for number, device in enumerate(found, 1):
        device.number = number
    Device.objects.bulk_update(found, ["number"], batch_size=500)


def _close(round_: Round, now_ms: int) -> bool:
    """Open the sum when all survivors have revealed, or at the end of the phase."""
    n_revealed = Device.objects.filter(round=round_, step=Step.REVEALED).count()
    if n_revealed != round_.n_masked and now_ms <= round_.ends_ms:
        return False
    try:
        mean = opened_mean(round_)
    except OpeningError as error:
        with transaction.atomic():
            _end(round_, Phase.FAILED, str(error))
        return True
    weights = weights_of(round_.base) + mean
    with transaction.atomic():
        round_.made = GlobalModel.objects.create(
            weights=dict(zip(FEATURES, weights.tolist(), strict=True)), made_ms=now_ms
        )
        _end(round_, Phase.CLOSED, "")
    return True


def opened_mean(round_: Round) -> NDArray[np.float64]:
    """Return float64[FEATURES]: what the noised sum of all survivors' updates says of their mean.

    Raises `OpeningError` where too few shares were revealed, or they are wrong.
    """
    config = config_of(round_)
    took_part = Device.objects.filter(round=round_, step__gte=Step.SHARED)
    devices = {device.number: device for device in took_part if device.number}
    n_values = len(FEATURES)
    survivors = {n: d for n, d in devices.items() if d.step >= Step.MASKED}
    total = masks.summed(
        (np.frombuffer(bytes(d.masked or b""), "<u4") for d in survivors.values()), n_values
    )
    for number, secret in _secrets(round_, devices).items():
        if number in survivors:
            total -= masks.own_mask(secret, n_values)
            continue
        near = masks.neighbors(number, round_.n_joined or 0, N_NEIGHBORS)
        peers = {n: bytes(survivors[n].mask_key) for n in near if n in survivors}
        total += masks.pair_masks(number, masks.KeyPair(secret), peers, n_values)
    found = skellam.decode(total, scale=config.scale)
    deviation = config.noise * config.clip * np.sqrt(len(survivors) / config.least * n_values)
    if np.linalg.norm(found) > len(survivors) * config.clip + _DEVIATIONS * deviation:
        raise OpeningError("the sum is longer than any can be: some shares were wrong")
    return found / len(survivors)


def _secrets(round_: Round, devices: dict[int, Device]) -> dict[int, bytes]:
    """Return every survivor's seed and every dropped device's mask key, by number."""
    shares: dict[int, dict[int, bytes]] = {number: {} for number in devices}
    for number, device in devices.items():
        for peer, share in device.revealed.items():
            shares[int(peer)][number] = base64.b64decode(share)
    n_neighbors = len(masks.neighbors(1, round_.n_joined or 0, N_NEIGHBORS))
    needed = masks.threshold_of(n_neighbors)
    for number, found in shares.items():
        if len(found) < needed:
            raise OpeningError(f"{len(found)} shares of device {number}, {needed} are needed")
    try:
        return {n: shamir.join(dict(list(s.items())[:needed])) for n, s in shares.items()}
    except ValueError as error:
        raise OpeningError(str(error)) from error


def _end(round_: Round, phase: Round.Phase, reason: str) -> None:
    """End a round and forget its devices: their keys, shares and masked updates."""
    round_.phase, round_.reason, round_.is_open = phase, reason, False
    round_.save()
    Device.objects.filter(round=round_).delete()
    if reason:
        logger.warning("federated round %s failed: %s", round_.pk, reason)
