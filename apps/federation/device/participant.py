"""One device in one round: trains, masks, and helps to open the sum (Bonawitz et al. 2017)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.federation.algorithms import averaging, masks, shamir, skellam
from apps.federation.conf import FEATURES, TICKET_HEADER

Answer = dict[str, Any]
# Method, path under /api/v1/, body and headers → body; raises for what is not 2xx.
Send = Callable[[str, str, Any, Mapping[str, str]], Any]


class RefusedError(Exception):
    """The device does not do what the round asks for: it would give its update away."""


class Participant:
    """Goes through a round by `join`, then `step` again and again until `is_through`.

    least, noise: what the device demands of a round before it takes part.
    """

    def __init__(self, send: Send, *, least: int = 100, noise: float = 1.0) -> None:
        self._send, self._least, self._noise = send, least, noise
        self._mask, self._seal = masks.KeyPair(), masks.KeyPair()
        self._seed = secrets.token_bytes(shamir.SECRET_BYTES)
        self._n_peers = 0
        self._held: dict[int, tuple[bytes, bytes]] = {}  # shares of a peer's mask key and seed
        self._headers: dict[str, str] = {}
        self._path = ""
        self._said: dict[str, Answer] = {}  # by phase
        self._taken: set[str] = set()  # phases whose work the server has
        self.is_through = False

    def join(self, features: NDArray[np.float64], labels: NDArray[np.float64]) -> None:
        """Train on the device's own views and take part in the open round.

        features: float64[n, FEATURES] as they were at each view; labels: [n], 1 for a long view.
        """
        found = self._send("GET", "federation/round", None, {})
        config, model = found["config"], found["model"]
        if config["least"] < self._least or config["noise"] < self._noise:
            raise RefusedError(f"{config['least']} devices, noise {config['noise']}: too little")
        weights = np.array([model["weights"][name] for name in FEATURES])
        update = averaging.local_update(
            weights, features, labels, rate=config["local_rate"], steps=config["local_steps"]
        )
        self._update = skellam.encode(
            averaging.clipped(update, config["clip"]),
            scale=config["scale"],
            variance=(config["noise"] * config["clip"] * config["scale"]) ** 2 / config["least"],
            rng=np.random.default_rng(secrets.randbits(256)),
        )
        self._path = f"federation/rounds/{found['round_id']}"
        keys = {"mask_key": _text(self._mask.public), "seal_key": _text(self._seal.public)}
        self._headers = {
            TICKET_HEADER: self._send("POST", f"{self._path}/devices", keys, {})["ticket"]
        }

    def step(self) -> str:
        """Do what the round wants now and return its phase; again, where the network failed."""
        task = self._send("GET", f"{self._path}/task", None, self._headers)
        phase: str = task["phase"]
        work = {"sharing": self._share, "masking": self._masked, "unmasking": self._reveal}
        if phase in work and phase not in self._taken:
            # Asked again, and in another way, a device says what it has said.
            if phase not in self._said:
                self._said[phase] = work[phase](task)
            self._send("POST", f"{self._path}/task", self._said[phase], self._headers)
            self._taken.add(phase)
        self.is_through = phase in {"unmasking", "closed", "failed"}
        return phase

    def _share(self, task: Answer) -> Answer:
        peers = task["peers"]
        numbers = [peer["number"] for peer in peers]
        needed = masks.threshold_of(len(peers))
        of_key = shamir.split(self._mask.private, numbers=numbers, threshold=needed)
        of_seed = shamir.split(self._seed, numbers=numbers, threshold=needed)
        sealed = {
            peer["number"]: _text(
                masks.seal(
                    self._seal,
                    _bytes(peer["seal_key"]),
                    sender=task["number"],
                    receiver=peer["number"],
                    plain=of_key[at] + of_seed[at],
                )
            )
            for at, peer in enumerate(peers)
        }
        self._n_peers = len(peers)
        return {"type": "shares", "sealed": sealed}

    def _masked(self, task: Answer) -> Answer:
        number, peers = task["number"], task["peers"]
        if len(peers) < masks.threshold_of(self._n_peers):
            raise RefusedError(f"{len(peers)} of {self._n_peers} peers are left: too few")
        for peer in peers:
            plain = masks.unseal(
                self._seal,
                _bytes(peer["seal_key"]),
                sender=peer["number"],
                receiver=number,
                sealed=_bytes(peer["sealed"]),
            )
            self._held[peer["number"]] = plain[: shamir.SHARE_BYTES], plain[shamir.SHARE_BYTES :]
        n = len(self._update)
        keys = {peer["number"]: _bytes(peer["mask_key"]) for peer in peers}
        masked = self._update + masks.own_mask(self._seed, n)
        masked += masks.pair_masks(number, self._mask, keys, n)
        return {"type": "masked", "values": _text(masked.astype("<u4").tobytes())}

    def _reveal(self, task: Answer) -> Answer:
        """Reveal of each peer its seed's share or its key's, never both: both undo its masks."""
        survivors, dropped = task["survivors"], task["dropped"]
        if sorted([*survivors, *dropped]) != sorted(self._held):
            raise RefusedError("the round asks for other peers than those it masked with")
        if task["n_survivors"] < self._least:
            raise RefusedError(f"a sum of {task['n_survivors']} devices is no crowd")
        shares = {n: self._held[n][1] for n in survivors} | {n: self._held[n][0] for n in dropped}
        return {"type": "revealed", "shares": {n: _text(s) for n, s in shares.items()}}


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
