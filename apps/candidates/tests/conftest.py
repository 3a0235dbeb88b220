"""A catalogue and what is learned of it, for sources."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.services import fit_retrieval
from apps.candidates.tests.factories import (
    SMALL,
    made_of,
    make_background,
    make_catalog,
    two_communities,
)
from apps.candidates.types import RetrievalModels
from apps.content.types import Catalog


def world(n: int) -> Catalog:
    return make_catalog(n, sound=np.arange(n) % 5, n_sounds=5, languages=("en", "de"))


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return world(44)  # four newer than the models


@pytest.fixture(scope="module")
def models() -> RetrievalModels:
    catalog = world(40)
    described = [made_of("dance" if row < 20 else "goal", f"t{row % 3}") for row in range(40)]
    groups = dict.fromkeys(range(1, 30), ("en", "18-24"))
    background = make_background(catalog, described, groups=groups)
    return fit_retrieval(two_communities(), catalog, SMALL, background)
