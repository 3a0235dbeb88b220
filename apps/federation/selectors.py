"""Read the global model, the open round, and what a round wants of a device."""

from __future__ import annotations

import hashlib
from uuid import UUID

import msgspec
import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from apps.core.errors import Problem
from apps.federation.algorithms import masks, skellam
from apps.federation.conf import FEATURES, N_NEIGHBORS
from apps.federation.models import Device, GlobalModel, Plan, Round, Share
from apps.federation.types import GlobalModelAnswer, Peer, RoundAnswer, RoundConfig, TaskAnswer

Phase, Step = Round.Phase, Device.Step


class UnknownRoundError(Problem):
    """A device names a round that there is not."""

    def __init__(self) -> None:
        super().__init__(404, "unknown-round", "There is no such round.")


def config_of(round_: Round) -> RoundConfig:
    """Return what every device of a round does alike."""
    return msgspec.convert(round_.config, RoundConfig)


def loss_of(config: RoundConfig) -> NDArray[np.float64]:
    """Return the privacy loss of one round at every order."""
    return skellam.privacy_loss(
        clip=config.clip, scale=config.scale, noise=config.noise, n_values=len(FEATURES)
    )


def spent() -> NDArray[np.float64]:
    """Return the privacy loss of all rounds whose sums were opened, or could have been."""
    rounds = Round.objects.filter(n_masked__isnull=False)
    return sum((loss_of(config_of(one)) for one in rounds), np.zeros(len(skellam.ORDERS)))


def active_plan() -> Plan | None:
    """Return the plan by which rounds are opened."""
    return Plan.objects.filter(is_active=True).first()


def is_wanted() -> bool:
    """Say whether there is anything to take on, or a plan to open a round by."""
    return Round.objects.filter(is_open=True).exists() or active_plan() is not None


def weights_of(model: GlobalModel | None) -> NDArray[np.float64]:
    """Return float64[FEATURES]: zero before the first round, and for what was not known then."""
    return np.array([model.weights.get(name, 0.0) if model else 0.0 for name in FEATURES])


def told(model: GlobalModel | None) -> GlobalModelAnswer:
    """Return a model as devices are told, with what all rounds so far have spent."""
    plan = active_plan() or Plan()
    return GlobalModelAnswer(
        version=model.pk if model else 0,
        weights=dict(zip(FEATURES, weights_of(model).tolist(), strict=True)),
        n_rounds=Round.objects.filter(n_masked__isnull=False).count(),
        epsilon=skellam.epsilon(spent(), plan.delta),
        delta=plan.delta,
    )


def global_model() -> GlobalModelAnswer:
    """Return the latest model."""
    return told(latest_model())


def latest_model() -> GlobalModel | None:
    """Return the model that the next round starts from."""
    return GlobalModel.objects.order_by("-pk").first()


def open_round() -> RoundAnswer:
    """Return the round that is open; raise 404 where there is none."""
    found = Round.objects.select_related("base").filter(is_open=True).first()
    if found is None:
        raise Problem(404, "no-round", "No round is open. Ask again later.")
    return RoundAnswer(
        found.pk,
        found.phase,  # type: ignore[arg-type]  # a closed set
        found.ends_ms,
        told(found.base),
        config_of(found),
    )


def device_of(round_: Round, ticket: str) -> Device:
    """Return the device of a ticket; raise 403 for one that is of no device of the round."""
    device = Device.objects.filter(round=round_, ticket=digest(ticket)).first()
    if device is None:
        raise Problem(403, "unknown-ticket", "This ticket is of no device in this round.")
    device.round = round_
    return device


def digest(ticket: str) -> str:
    """Return what is kept of a ticket."""
    return hashlib.sha256(ticket.encode()).hexdigest()


def task(round_id: UUID, ticket: str) -> TaskAnswer:
    """Return what the round wants of a device now; raise 404 and 403.

    Of a round that has ended nothing is kept but its end, so that any ticket is told that.
    """
    round_ = Round.objects.filter(pk=round_id).first()
    if round_ is None:
        raise UnknownRoundError
    answer = TaskAnswer(round_.phase, round_.ends_ms, reason=round_.reason)  # type: ignore[arg-type]
    if not round_.is_open:
        return answer
    device = device_of(round_, ticket)
    if round_.phase == Phase.JOINING or device.number is None:
        return answer
    answer = msgspec.structs.replace(answer, number=device.number)
    if round_.phase == Phase.SHARING:
        return msgspec.structs.replace(answer, peers=_peers(device, Step.JOINED))
    if round_.phase == Phase.MASKING:
        return msgspec.structs.replace(answer, peers=_peers(device, Step.SHARED))
    steps = dict(peers_of(device, Step.SHARED).values_list("number", "step"))
    return msgspec.structs.replace(
        answer,
        survivors=sorted(n for n, step in steps.items() if step >= Step.MASKED),
        dropped=sorted(n for n, step in steps.items() if step < Step.MASKED),
        n_survivors=round_.n_masked or 0,
    )


def peers_of(device: Device, step: int) -> QuerySet[Device]:
    """Return the neighbors of a device in the ring that have come at least so far."""
    assert device.number is not None
    numbers = masks.neighbors(device.number, device.round.n_joined or 0, N_NEIGHBORS)
    return Device.objects.filter(round=device.round_id, number__in=numbers, step__gte=step)


def _peers(device: Device, step: int) -> list[Peer]:
    peers = peers_of(device, step).order_by("number")
    sealed = dict(Share.objects.filter(receiver=device).values_list("sender", "sealed"))
    return [
        Peer(
            number or 0,
            bytes(mask_key),
            bytes(seal_key),
            bytes(sealed[pk]) if pk in sealed else None,
        )
        for pk, number, mask_key, seal_key in peers.values_list(
            "pk", "number", "mask_key", "seal_key"
        )
    ]
