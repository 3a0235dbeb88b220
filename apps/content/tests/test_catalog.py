"""The catalogue in memory follows the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.content.catalog import CatalogReader
from apps.content.models import Content
from apps.content.services import set_restrictions, set_status, set_suspended
from apps.content.tests.factories import NOW_MS, make_catalog, make_content
from apps.content.types import MAX_TAGS

pytestmark = pytest.mark.django_db


def test_empty_table_gives_an_empty_catalogue() -> None:
    catalog = CatalogReader().read_changes().catalog

    assert len(catalog) == 0
    assert catalog.rows_of(np.array([1, 2])).tolist() == [-1, -1]


def test_contents_are_read_with_their_values() -> None:
    content = make_content(category="dance", language="en", duration=12.5, audio_id="s", tags=["a"])

    catalog = CatalogReader().read_changes().catalog

    assert catalog.content_pk.tolist() == [content.pk]
    assert catalog.creator_pk.tolist() == [content.creator_id]
    assert (catalog.categories, catalog.languages) == (("dance",), ("en",))
    assert (catalog.category[0], catalog.language[0], catalog.sound[0]) == (0, 0, 0)
    assert catalog.duration_seconds.tolist() == [12.5]
    assert catalog.tags[0].tolist() == [0] + [-1] * (MAX_TAGS - 1)
    assert (catalog.n_sounds, catalog.n_tags) == (1, 1)
    assert catalog.is_servable.tolist() == [True]


def test_unknown_values_are_minus_one_and_nan() -> None:
    make_content()

    catalog = CatalogReader().read_changes().catalog

    assert (catalog.sound[0], catalog.category[0], catalog.language[0]) == (-1, -1, -1)
    assert np.isnan(catalog.duration_seconds[0])


def test_tags_past_the_limit_are_left_out() -> None:
    make_content(tags=[f"t{i}" for i in range(20)])

    catalog = CatalogReader().read_changes().catalog

    assert catalog.tags[0].tolist() == list(range(MAX_TAGS))


def test_new_contents_append_and_known_rows_never_move() -> None:
    make_content("v1")
    make_content("v2")
    reader = CatalogReader().read_changes()
    before = reader.catalog

    make_content("v3", "carol", now_ms=NOW_MS + 1)
    make_content("v1", category="news", now_ms=NOW_MS + 2)
    after = reader.read_changes().catalog

    assert after.content_pk[:2].tolist() == before.content_pk.tolist()
    assert after.creator_pk[:1].tolist() == before.creator_pk.tolist()
    assert len(after) == 3


def test_rows_are_not_read_again_where_nothing_has_changed(django_assert_num_queries: Any) -> None:
    make_content("v1")
    reader = CatalogReader().read_changes()
    reader.read_changes()  # the window has moved on with the first row

    with django_assert_num_queries(1):
        reader.read_changes()
    make_content("v1", category="news", now_ms=NOW_MS + 1)
    with django_assert_num_queries(2):
        assert reader.read_changes().catalog.categories == ("news",)


def test_changed_content_is_updated_in_place_and_the_old_catalogue_is_not() -> None:
    make_content("v1", category="dance")
    reader = CatalogReader().read_changes()
    before = reader.catalog

    make_content("v1", category="news", now_ms=NOW_MS + 1)
    after = reader.read_changes().catalog

    assert after.categories[after.category[0]] == "news"
    assert before.categories[before.category[0]] == "dance"


def test_removed_content_is_no_longer_servable() -> None:
    make_content("v1")
    reader = CatalogReader().read_changes()

    set_status(["v1"], Content.Status.REMOVED, now_ms=NOW_MS + 1)

    assert reader.read_changes().catalog.is_servable.tolist() == [False]


def test_late_commit_with_an_older_stamp_is_not_missed() -> None:
    make_content("v1", now_ms=NOW_MS)
    reader = CatalogReader().read_changes()

    make_content("v2", now_ms=NOW_MS - 20_000)

    assert len(reader.read_changes().catalog) == 2


def test_catalogue_object_stays_when_nothing_has_changed() -> None:
    make_content("v1")
    reader = CatalogReader().read_changes()
    before = reader.catalog

    assert reader.read_changes().catalog is before


def test_following_in_steps_gives_what_reading_at_once_gives() -> None:
    reader = CatalogReader()
    for i in range(6):
        make_content(f"v{i}", f"creator{i % 2}", category=f"c{i % 3}", now_ms=NOW_MS + i)
        reader.read_changes()

    at_once = CatalogReader().read_changes().catalog

    for name in ("content_pk", "creator", "category", "uploaded_ms", "creator_pk", "pk_order"):
        np.testing.assert_array_equal(getattr(reader.catalog, name), getattr(at_once, name))


def test_rows_of_finds_keys_in_any_order() -> None:
    catalog = make_catalog(5)

    rows = catalog.rows_of(np.array([1004, 999, 1000, 1005, 1002, 1002]))

    assert rows.tolist() == [4, -1, 0, -1, 2, 2]


def test_creator_rows_of_finds_keys() -> None:
    assert make_catalog(5).creator_rows_of(np.array([103, 99, -1])).tolist() == [3, -1, -1]


def test_rows_of_nothing_is_nothing() -> None:
    assert make_catalog(5).rows_of(np.array([], np.int64)).tolist() == []


def test_second_change_in_the_same_millisecond_is_read() -> None:
    make_content(category="dance")
    reader = CatalogReader().read_changes()

    make_content(category="news")

    catalog = reader.read_changes().catalog
    assert catalog.categories[catalog.category[0]] == "news"


def test_decisions_of_moderation_reach_a_reader_that_has_read_before() -> None:
    content = make_content()
    reader = CatalogReader().read_changes()

    set_restrictions(content.pk, is_age_restricted=True, is_reach_limited=True, now_ms=NOW_MS)
    set_suspended(content.creator_id, is_suspended=True, now_ms=NOW_MS)
    make_content("later")

    catalog = reader.read_changes().catalog
    assert catalog.is_age_restricted.tolist() == [True, False]
    assert catalog.is_reach_limited.tolist() == [True, False]
    assert catalog.is_servable.tolist() == [False, False]
    set_suspended(content.creator_id, is_suspended=False, now_ms=NOW_MS)
    assert reader.read_changes().catalog.is_servable.tolist() == [True, True]
