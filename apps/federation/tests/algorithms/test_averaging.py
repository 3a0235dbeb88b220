from __future__ import annotations

import numpy as np
import pytest

from apps.federation.algorithms.averaging import Floats, chances, clipped, local_update


def some_devices(n: int, rng: np.random.Generator) -> list[tuple[Floats, Floats]]:
    sizes = rng.integers(1, 40, n)
    return [(rng.normal(size=(k, 7)), (rng.random(k) < 0.4).astype(float)) for k in sizes]


def central_loss(weights: Floats, devices: list[tuple[Floats, Floats]]) -> float:
    """The log-loss of all views, written down anew, a device."""
    losses = []
    for x, y in devices:
        p = 1 / (1 + np.exp(-x @ weights))
        losses.append(-np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)))
    return float(np.mean(losses))


def test_one_local_step_is_central_gradient_descent() -> None:
    rng = np.random.default_rng(0)
    devices = some_devices(30, rng)
    federated = central = rng.normal(size=7)
    rows = np.concatenate([x for x, _ in devices])
    labels = np.concatenate([y for _, y in devices])
    for _ in range(10):
        updates = [local_update(federated, x, y, rate=0.05, steps=1) for x, y in devices]
        federated = federated + np.mean(updates, axis=0)
        central = central - 0.05 / len(devices) * rows.T @ (chances(rows, central) - labels)

    assert np.abs(federated - central).max() < 1e-12


def test_update_follows_the_loss() -> None:
    rng = np.random.default_rng(1)
    devices, weights, h = some_devices(5, rng), rng.normal(size=7), 1e-6
    numeric = [
        (central_loss(weights + h * e, devices) - central_loss(weights - h * e, devices)) / (2 * h)
        for e in np.eye(7)
    ]
    updates = [local_update(weights, x, y, rate=1.0, steps=1) for x, y in devices]

    assert -np.mean(updates, axis=0) == pytest.approx(np.array(numeric), abs=1e-6)


def test_more_steps_go_on_from_the_last() -> None:
    ((x, y),) = some_devices(1, np.random.default_rng(2))
    once = local_update(np.zeros(7), x, y, rate=0.03, steps=1)
    twice = once + local_update(once, x, y, rate=0.03, steps=1)

    assert local_update(np.zeros(7), x, y, rate=0.03, steps=2) == pytest.approx(twice, abs=1e-15)


def test_long_update_is_shortened_and_keeps_its_direction() -> None:
    assert clipped(np.array([3.0, 4.0]), 1.0) == pytest.approx([0.6, 0.8])
    assert clipped(np.array([0.3, 0.4]), 1.0) == pytest.approx([0.3, 0.4])
