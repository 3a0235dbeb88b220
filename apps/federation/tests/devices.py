"""Devices of tests: participants over the API, and the worker that takes their round on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apps.core.errors import RecsysError
from apps.federation import rounds
from apps.federation.algorithms import masks, skellam
from apps.federation.conf import FEATURES
from apps.federation.device.participant import Participant
from apps.federation.models import Plan, Round

MINUTE_MS = 60_000


class ApiError(RecsysError):
    """What the API answered."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


class Phone(Participant):
    """A participant whose owner watched something, and that can be told what to leave out."""

    def __init__(self, api: Any, **demands: Any) -> None:
        super().__init__(lambda *asked: call(api, *asked), **{"least": 3, **demands})

    def enter(self, rng: np.random.Generator) -> None:
        features = rng.normal(size=(20, len(FEATURES)))
        self.join(features, (rng.random(20) < 0.3).astype(float))


def call(api: Any, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
    sent = {} if body is None else {"data": body, "content_type": "application/json"}
    answer = getattr(api.client, method.lower())(
        f"/api/v1/{path}", **sent, headers={**api._headers(), **headers}
    )
    if answer.status_code >= 300:
        raise ApiError(answer.status_code, answer.json()["code"])
    return answer.json() if answer.content else None


def make_plan(**given: Any) -> Plan:
    return Plan.objects.create(**{"name": "p", "is_active": True, "least": 3, "most": 10, **given})


def enter(api: Any, n: int, *, seed: int = 0) -> list[Phone]:
    """Open a round, let n devices join and close the joining."""
    rounds.advance(now_ms=now())
    phones = [Phone(api) for _ in range(n)]
    rng = np.random.default_rng(seed)
    for phone in phones:
        phone.enter(rng)
    pass_time()
    return phones


def step(phones: Sequence[Phone]) -> list[str]:
    return [phone.step() for phone in phones]


def now() -> int:
    from apps.core.clock import now_ms

    return now_ms()


def pass_time() -> None:
    """Let the phase end, and the worker see it."""
    found = Round.objects.filter(is_open=True).first()
    rounds.advance(now_ms=found.ends_ms + 1 if found else now())


def mean_of(phones: Sequence[Phone]) -> np.ndarray:
    """Return what the sum of these devices' noised updates is, added up in the clear."""
    config = Round.objects.latest("opened_ms").config
    total = masks.summed((phone._update for phone in phones), len(FEATURES))
    return skellam.decode(total, scale=config["scale"]) / len(phones)


def to_unmasking(phones: list[Phone]) -> None:
    """Let all devices share and mask."""
    for _ in range(2):
        step(phones)
        pass_time()


def through(phones: list[Phone]) -> Round:
    """Let all devices go through to the end."""
    to_unmasking(phones)
    step(phones)
    pass_time()
    return Round.objects.latest("opened_ms")
