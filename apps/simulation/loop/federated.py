"""Devices of a world that train together, over the API, and send nothing of what they watched.

Part of the viewers send their events; the others' phones remember their own views, and take part
in rounds. What is learned is judged on later views of phones that never took part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from apps.core import live
from apps.core.clock import now_ms, to_datetime
from apps.federation import rounds, selectors
from apps.federation.algorithms.averaging import local_update
from apps.federation.conf import FEATURES, MAX_CARDS
from apps.federation.device.participant import Participant
from apps.federation.device.taste import Card, Taste
from apps.federation.models import Plan, Round
from apps.simulation.arrays import Floats
from apps.simulation.history import simulate_days
from apps.simulation.impressions import Impressions
from apps.simulation.loop.api import Api, ApiError
from apps.simulation.loop.server import VirtualServer
from apps.simulation.services import content_row
from apps.simulation.types import DAY_MS, WorldParams
from apps.simulation.vocabulary import LANGUAGES
from apps.simulation.world import build_world

_HELD_OUT = 5  # every fifth device never takes part
_FIRST_DAY, _TEST_DAY = 3, 10  # of the days that are learned from, and of those judged by
_END = 10**6
_STEPS = 3  # of a round after joining


@dataclass(frozen=True, slots=True)
class FederatedParams:
    """Size and seed of a run."""

    devices: int = 2000  # that send no events
    senders: int = 1000  # viewers who do
    contents: int = 5000
    rounds: int = 10  # ≥ 1
    dropped: float = 0.2  # share of the devices that are lost at some step of a round, [0, 1)
    noise: float = 3.0  # deviation of the sum's noise, in clips
    seed: int = 1


@dataclass
class Phone:
    """One device: its taste, and features and outcome of each view as it was watched."""

    user_id: str
    taste: Taste
    features: list[Floats] = field(default_factory=list)
    labels: list[bool] = field(default_factory=list)
    days: list[int] = field(default_factory=list)

    def watch(self, card: Card, watch_seconds: float, day: int) -> None:
        """Take a view in; nothing is sent."""
        self.features.append(self.taste.features([card])[0])
        self.labels.append(self.taste.learn(card, watch_seconds))
        self.days.append(day)

    def examples(self, first_day: int, end_day: int) -> tuple[Floats, Floats]:
        """Return features float64[n, d] and labels float64[n] of the days."""
        at = [i for i, day in enumerate(self.days) if first_day <= day < end_day]
        features = np.array([self.features[i] for i in at]).reshape(-1, len(FEATURES))
        return features, np.array([self.labels[i] for i in at], float)


Training = tuple[Phone, Floats, Floats]  # features and labels of what it learns from


class FederatedRun:
    """A world, its phones, and the server that they talk to."""

    def __init__(self, params: FederatedParams, server: VirtualServer) -> None:
        self.params, self.server, self.api = params, server, Api(server.send)
        self.rng = np.random.default_rng([params.seed, 5])
        n_viewers = params.senders + params.devices
        self.world = build_world(
            WorldParams(seed=params.seed, n_viewers=n_viewers, n_contents=params.contents)
        )
        viewers = self.world.viewers
        self.phones = [
            Phone(viewers.id[row], Taste(LANGUAGES[viewers.language[row]]))
            for row in range(params.senders, n_viewers)
        ]
        self.n_requests = 0

    def run(self) -> dict[str, Any]:
        """Live through the days, train, and judge."""
        self._live()
        taking_part = (phone for row, phone in enumerate(self.phones) if row % _HELD_OUT)
        known = [(phone, *phone.examples(_FIRST_DAY, _TEST_DAY)) for phone in taking_part]
        training = [one for one in known if len(one[2])]
        plan = self._plan(len(training))
        for _ in range(self.params.rounds):
            self._round(training)
        told = selectors.global_model()
        clear = _without_protection(training, plan, told.n_rounds)
        private = np.array([told.weights[name] for name in FEATURES])
        done = Round.objects.filter(phase=Round.Phase.CLOSED).values_list("n_masked", flat=True)
        return {
            "training_devices": len(training),
            "rounds": len(done),
            "updates_a_round": float(np.mean([n or 0 for n in done])) if done else 0.0,
            "epsilon": told.epsilon,
            "delta": told.delta,
            **self._judged(training, private=private, clear=clear),
            "requests": self.n_requests,
            "weights": told.weights,
        }

    def _live(self) -> None:
        """Let every day pass: phones watch by the cards of its morning, senders post theirs."""
        world, contents = self.world, self.world.contents
        n_uploaded = 0
        for day, shown in enumerate(simulate_days(world, rng=self.rng)):
            morning_ms = world.params.start_ms + day * DAY_MS
            self.server.advance(morning_ms)
            n_now = int(np.searchsorted(contents.uploaded_ms, morning_ms))
            self.api.upload([content_row(world, row) for row in range(n_uploaded, n_now)])
            n_uploaded = n_now
            live.refresh_all()
            self._watch(shown, self._cards(n_now), day)
            self.server.advance(morning_ms + DAY_MS - 1)
            is_sent = (shown.viewer < self.params.senders) & (shown.content < n_now)
            is_sent &= shown.shown_ms < now_ms()
            self.api.post_events([self._event(shown, i) for i in np.flatnonzero(is_sent).tolist()])

    def _cards(self, n: int) -> dict[int, Card]:
        """Return the cards of the first n contents, by row."""
        ids = self.world.contents.id[:n]
        rows = {name: row for row, name in enumerate(ids)}
        found: dict[int, Card] = {}
        for start in range(0, n, MAX_CARDS):
            asked = quote(",".join(ids[start : start + MAX_CARDS]))
            answer = self._send("GET", f"federation/cards?content_id={asked}", None, {})
            found.update((rows[card["content_id"]], card) for card in answer["cards"])
        return found

    def _watch(self, shown: Impressions, cards: dict[int, Card], day: int) -> None:
        on_phones = np.flatnonzero(shown.viewer >= self.params.senders)
        for i in on_phones[np.argsort(shown.shown_ms[on_phones], kind="stable")].tolist():
            if (card := cards.get(int(shown.content[i]))) is not None:
                phone = self.phones[shown.viewer[i] - self.params.senders]
                phone.watch(card, float(shown.watch_seconds[i]), day)

    def _event(self, shown: Impressions, i: int) -> dict[str, Any]:
        return {
            "type": "view",
            "event_id": f"{shown.session[i]} {shown.content[i]}",
            "user_id": self.world.viewers.id[shown.viewer[i]],
            "content_id": self.world.contents.id[shown.content[i]],
            "timestamp": to_datetime(int(shown.shown_ms[i])).isoformat(),
            "watch_duration": round(float(shown.watch_seconds[i]), 2),
        }

    def _plan(self, n_devices: int) -> Plan:
        least = int(n_devices * (1 - self.params.dropped) * 0.9)
        return Plan.objects.create(
            name="simulation",
            is_active=True,
            least=least,
            most=n_devices,
            noise=self.params.noise,
        )

    def _round(self, training: Sequence[Training]) -> None:
        """Let every device go through a round; some are lost before one of its steps."""
        rounds.advance(now_ms=now_ms())  # as the worker does every few seconds
        lost_before = np.where(
            self.rng.random(len(training)) < self.params.dropped,
            self.rng.integers(0, _STEPS, len(training)),
            _STEPS,
        )
        participants = [self._joined(*one) for one in training]
        for step in range(_STEPS):
            rounds.advance(now_ms=now_ms())
            for participant, lost in zip(participants, lost_before.tolist(), strict=True):
                if step < lost:
                    participant.step()
            self.server.advance(Round.objects.get(is_open=True).ends_ms + 1)
        rounds.advance(now_ms=now_ms())

    def _joined(self, phone: Phone, features: Floats, labels: Floats) -> Participant:
        token = self._send("POST", "client-tokens", {"user_id": phone.user_id}, {})["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        participant = Participant(
            lambda method, path, body, own: self._send(method, path, body, {**own, **bearer}),
            least=1,  # small runs are for looking at
        )
        participant.join(features, labels)
        return participant

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        self.n_requests += 1
        sent = b"" if body is None else json.dumps(body).encode()
        status, answer = self.server.send(method, f"/api/v1/{path}", sent, headers)
        if not 200 <= status < 300:
            raise ApiError(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None

    def _judged(
        self, training: Sequence[Training], **weights: Floats
    ) -> dict[str, float | dict[str, float]]:
        """Return the AUC of weights over later views of devices that never took part.

        Beside them what the card's rate alone says, and central training on all examples at once.
        """
        held_out = [p.examples(_TEST_DAY, _END) for p in self.phones[::_HELD_OUT]]
        features, labels = (np.concatenate(part) for part in zip(*held_out, strict=True))
        central = LogisticRegression(C=1e6, fit_intercept=False, max_iter=1000).fit(
            np.concatenate([x for _, x, _ in training]), np.concatenate([y for _, _, y in training])
        )
        popular = np.eye(len(FEATURES))[FEATURES.index("content_rate")]
        judged = {"content_rate": popular, "central": central.coef_[0], **weights}
        return {
            "held_out_devices": len(held_out),
            "held_out_views": len(labels),
            "auc": {k: float(roc_auc_score(labels, features @ w)) for k, w in judged.items()},
        }


def _without_protection(training: Sequence[Training], plan: Plan, n_rounds: int) -> Floats:
    """Return the weights of as many rounds in the clear: no clipping, noise, masks or drop-outs."""
    weights = np.zeros(len(FEATURES))
    for _ in range(n_rounds):
        updates = [
            local_update(weights, x, y, rate=plan.local_rate, steps=plan.local_steps)
            for _, x, y in training
        ]
        weights = weights + np.mean(updates, axis=0)
    return weights
