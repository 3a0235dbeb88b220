"""A small world and its history, made once."""

from __future__ import annotations

import numpy as np
import pytest

from apps.simulation.history import History, simulate_history
from apps.simulation.world import World, WorldParams, build_world

SMALL = WorldParams(seed=11, n_viewers=500, n_contents=2_000, n_creators=120, n_days=7)


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(SMALL)


@pytest.fixture(scope="session")
def history(world: World) -> History:
    return simulate_history(world, rng=np.random.default_rng(5))
