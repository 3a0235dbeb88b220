"""How near off-policy estimates come to a known truth, the naive mean of the log beside them.

Each world has contexts, 20 actions and known chances of reward. The log was made by a policy that
follows its own beliefs and explores uniformly one time in ten; another policy, which follows
better beliefs, is to be judged. Errors are relative, root mean square over worlds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from numpy.typing import NDArray

from apps.learning.algorithms.off_policy import Estimates, estimate
from benchmarks.common import parser, report

_FACTORS, _ACTIONS, _EXPLORED = 5, 20, 0.1
Floats = NDArray[np.float64]


class Log(NamedTuple):
    """What was shown, what came of it, and what truly would come of the other policy."""

    x: Floats  # [n, factors]
    action: NDArray[np.int64]
    reward: Floats
    logged: Floats  # [n] the logging policy's chance of the action
    target: Floats  # [n, actions] the other policy's chances
    truth: float


def make_log(n: int, rng: np.random.Generator) -> Log:
    """Return a log of n events."""
    x = rng.normal(size=(n, _FACTORS))
    taste = rng.normal(size=(_FACTORS, _ACTIONS))
    chance = 1 / (1 + np.exp(-(x @ taste - 1)))
    old = x @ (taste + 1.5 * rng.normal(size=taste.shape))
    new = x @ (taste + 0.5 * rng.normal(size=taste.shape))
    logging = (1 - _EXPLORED) * _softmax(old) + _EXPLORED / _ACTIONS
    target = _softmax(new)
    action = (logging.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    rows = np.arange(n)
    reward = (rng.random(n) < chance[rows, action]).astype(np.float64)
    truth = float((target * chance).sum(axis=1).mean())
    return Log(x, action, reward, logging[rows, action], target, truth)


def modeled(log: Log) -> Floats:
    """Return float64[n, actions]: expected rewards by a ridge an action, fitted on other halves."""
    half = np.arange(len(log.x)) % 2
    x = np.column_stack([log.x, np.ones(len(log.x))])
    expected = np.empty(log.target.shape)
    for fold in (0, 1):
        for action in range(_ACTIONS):
            seen = (half != fold) & (log.action == action)
            gram = x[seen].T @ x[seen] + np.eye(x.shape[1])
            expected[half == fold, action] = x[half == fold] @ np.linalg.solve(
                gram, x[seen].T @ log.reward[seen]
            )
    return np.clip(expected, 0, 1)


def judged(log: Log) -> Estimates:
    """Return the estimates of the other policy."""
    rows, model = np.arange(len(log.x)), modeled(log)
    return estimate(
        log.reward,
        log.logged,
        log.target[rows, log.action],
        predicted=model[rows, log.action],
        expected=(log.target * model).sum(axis=1),
    )


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(2 * (scores - scores.max(axis=1, keepdims=True)))
    return raised / raised.sum(axis=1, keepdims=True)


def main() -> None:
    """Simulate and compare."""
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=20_000)
    arguments.add_argument("--worlds", type=int, default=50)
    given = arguments.parse_args()
    errors: dict[str, list[float]] = {"naive": [], "ips": [], "snips": [], "dr": []}
    covered: dict[str, list[bool]] = {"ips": [], "snips": [], "dr": []}
    sizes = []
    for world in range(given.worlds):
        log = make_log(given.events, np.random.default_rng(world))
        found = judged(log)
        sizes.append(found.effective_size / found.n)
        errors["naive"].append(found.naive / log.truth - 1)
        for name in covered:
            one = getattr(found, name)
            errors[name].append(one.value / log.truth - 1)
            covered[name].append(one.low <= log.truth <= one.high)
    figures = {
        f"{name}: error": float(np.sqrt(np.mean(np.square(found))))
        for name, found in errors.items()
    }
    shares = {
        f"{name}: intervals that hold the truth": float(np.mean(held))
        for name, held in covered.items()
    }
    sample = {"events": given.events, "effective share": float(np.mean(sizes))}
    report("off_policy", {**sample, **figures, **shares}, given.json)


if __name__ == "__main__":
    main()
