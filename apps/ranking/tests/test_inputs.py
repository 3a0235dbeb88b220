"""Ids of pairs: named by keys that every process has, unknown ones in the unknown row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.candidates.tests.factories import make_catalog
from apps.features.encoding import N_BUCKETS
from apps.features.selectors import NAMES
from apps.ranking.inputs import FIELDS, TAGS, Inputs, ids_of

ROWS = np.array([3, 0, 5])
BARE = make_catalog(6)
CATALOG = replace(
    BARE,
    category=np.array([0, 1, 0, 1, -1, 0]),
    categories=("music", "diy"),
    tags=np.where(np.arange(BARE.tags.shape[1]) < 1, np.arange(6)[:, None] % 2, -1),
    tag_names=("funny", "sad"),
)


def test_every_id_is_a_row_of_its_table() -> None:
    ids = ids_of(np.array([7, 8, 9]), ROWS, CATALOG)
    assert ids.shape == (3, sum(columns for _, columns in FIELDS))
    sizes = np.concatenate([[N_BUCKETS[name]] * columns for name, columns in FIELDS])
    assert ((ids >= 0) & (ids < sizes)).all()


def test_numbers_that_a_process_gives_do_not_matter() -> None:
    renumbered = replace(
        CATALOG,
        category=np.where(CATALOG.category < 0, -1, 1 - CATALOG.category),
        categories=("diy", "music"),
        tags=np.where(CATALOG.tags < 0, -1, 1 - CATALOG.tags),
        tag_names=("sad", "funny"),
    )
    viewer = np.array([7])
    np.testing.assert_array_equal(ids_of(viewer, ROWS, renumbered), ids_of(viewer, ROWS, CATALOG))


def test_one_viewer_stands_for_all_rows() -> None:
    one, each = ids_of(np.array([7]), ROWS, CATALOG), ids_of(np.full(3, 7), ROWS, CATALOG)
    np.testing.assert_array_equal(one, each)


def test_what_is_not_known_is_row_0() -> None:
    for stranger in (0, -2):
        assert ids_of(np.array([stranger]), ROWS, CATALOG)[:, 0].tolist() == [0, 0, 0]
    without = ids_of(np.array([7]), np.array([4]), CATALOG)[0]
    assert without[4] == 0  # no category
    assert without[-TAGS:].tolist().count(0) == TAGS - 1  # one tag


def test_duration_comes_back_from_its_feature() -> None:
    features = np.full((2, len(NAMES)), np.nan, np.float32)
    features[0, NAMES.index("duration")] = np.log1p(31)
    np.testing.assert_allclose(Inputs.of_strangers(features).duration, [31, np.nan], rtol=1e-6)
