"""The counters' snapshot: with the rest of the log it is the whole log, or it is absent."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from apps.content import selectors as content
from apps.content.models import Content, Sound
from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.core import live
from apps.core.sealed import seal
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features import selectors as features
from apps.features import snapshot
from apps.features.algorithms.counters import Counters
from apps.features.reader import StatsReader
from apps.features.services import snapshot_counters
from apps.features.snapshot import (
    VERSION,
    SnapshotError,
    _packed,
    _restore,
    load,
    path_of_file,
    unpack,
)
from apps.features.stats import EVER, Stats

# Committed: on PostgreSQL a reader sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("view", "like", "share", "skip", "comment", "save", "hide")


@pytest.fixture(autouse=True)
def _world(settings: Any) -> None:
    settings.REDIS_URL = ""  # the file alone; the cached copy has its own tests
    for i in range(6):
        make_content(
            f"v{i}",
            f"creator{i % 3}",
            category=("cars", "", "cats")[i % 3],
            tags=[f"tag{i % 2}", "all"],
            audio_id=f"song{i % 2}" if i < 4 else None,
            duration=20.0,
        )


def send_many(n: int, start: int = 0, seed: int = 0) -> None:
    """Send events of several kinds within the last days, each about one of six contents."""
    rng = np.random.default_rng(seed)
    send(
        *(
            make_event(
                KINDS[i % len(KINDS)],
                NOW_MS - int(rng.integers(0, 6 * DAY_MS)),
                content_id=f"v{rng.integers(0, 6)}",
                watch_duration=float(rng.uniform(0, 40)),
                event_id=f"e{i}",
            )
            for i in range(start, start + n)
        )
    )


def assert_same(found: Stats, expected: Stats) -> None:
    """Compare what the counters say; rows are compared by what they are about."""
    assert found.n_events == expected.n_events
    pairs = [(found.total, expected.total, np.arange(len(expected.total.sums)), None)]
    for name in expected.by:
        keys = found.catalog.keys_of(name.partition("_")[0])
        rows = np.arange(expected.sizes[name])
        order = None
        if keys is not None and len(keys):
            width = expected.sizes[name] // len(keys)
            theirs = expected.catalog.keys_of(name.partition("_")[0])
            assert theirs is not None
            at = [keys.tolist().index(key) for key in theirs.tolist()]
            order = (np.array(at)[:, None] * width + np.arange(width)).reshape(-1)
        pairs.append((found.by[name], expected.by[name], rows, order))
    for one, other, rows, order in pairs:
        of_one = one.at(rows if order is None else order, NOW_MS)
        of_other = other.at(rows, NOW_MS)
        np.testing.assert_allclose(of_one, of_other, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(of_one[..., EVER], of_other[..., EVER])


def save_and_load() -> StatsReader:
    StatsReader().read_on().save()
    return StatsReader.from_snapshot()


class TestRoundTrip:
    def test_loaded_counters_are_the_saved_ones(self) -> None:
        send_many(60)

        found = save_and_load()

        assert found.watermark != (0, 0)
        assert_same(found.stats, StatsReader().read_on().stats)

    def test_snapshot_and_the_rest_of_the_log_are_the_whole_log(self) -> None:
        send_many(40)
        save_and_load()
        send_many(30, start=40, seed=1)

        found = StatsReader.from_snapshot().read_on()

        assert_same(found.stats, StatsReader().read_on().stats)

    def test_process_that_numbers_the_catalogue_otherwise_reads_the_same(self) -> None:
        send_many(60)
        StatsReader().read_on().save()
        expected = StatsReader().read_on().stats
        catalog = content.catalog()
        back = np.arange(len(catalog))[::-1]
        columns = ("content_pk", "creator", "sound", "category", "language", "tags")
        columns += ("duration_seconds", "uploaded_ms", "changed_ms", "is_servable")
        creators = np.arange(len(catalog.creator_pk))[::-1]
        turned = {name: getattr(catalog, name)[back] for name in columns}
        turned["creator"] = len(creators) - 1 - turned["creator"]
        turned["category"] = np.where(turned["category"] < 0, -1, 1 - turned["category"])
        other = replace(
            catalog,
            **turned,
            creator_pk=catalog.creator_pk[creators],
            categories=catalog.categories[::-1],
            pk_order=np.argsort(catalog.content_pk[back]),
            creator_pk_order=np.argsort(catalog.creator_pk[creators]),
        )

        found = load(other)

        assert found is not None
        assert_same(found.stats, expected)

    def test_counters_without_events_can_be_saved(self) -> None:
        found = save_and_load()

        assert (found.watermark, found.stats.n_events) == ((0, 0), 0)

    def test_empty_catalogue_can_be_saved(self) -> None:
        Content.objects.all().delete()
        Sound.objects.all().delete()
        live.reset_all()

        assert save_and_load().stats.n_events == 0

    def test_process_starts_from_the_snapshot(self) -> None:
        send_many(50)
        StatsReader().read_on().save()
        live.reset_all()

        assert features.stats().n_events == 50
        assert_same(features.stats(), StatsReader().read_on().stats)

    def test_draft_is_left_nowhere(self) -> None:
        save_and_load()

        assert [p.name for p in path_of_file().parent.iterdir()] == ["snapshot"]


def test_entity_with_several_rows_a_key_is_restored_under_its_keys() -> None:
    # Two categories with three parts of the day each: rows cars 0–2, cats 3–5.
    kept, other = Counters(6, 1), Counters(0, 1)
    kept.add(np.array([1, 3, 3]), np.zeros(3, np.int64), np.full(3, NOW_MS))
    packed = _packed("category_part", kept, 6, np.array(["cars", "cats"]))

    keys = np.array(["new", "cats", "cars"])
    _restore("category_part", other, packed, keys, 9)

    found = other.at(np.arange(9), NOW_MS)[:, 0, EVER]
    assert found.tolist() == [0, 0, 0, 2, 0, 0, 0, 1, 0]


def test_entity_whose_rows_a_key_have_changed_does_not_fit() -> None:
    kept = Counters(6, 1)
    kept.add(np.array([1]), np.zeros(1, np.int64), np.full(1, NOW_MS))
    packed = _packed("category_part", kept, 6, np.array(["cars", "cats"]))

    with pytest.raises(SnapshotError, match="3 rows a key, expected 2"):
        _restore("category_part", Counters(4, 1), packed, np.array(["cars", "cats"]), 4)


def test_entity_with_fixed_rows_is_restored_by_row() -> None:
    kept, other = Counters(3, 1), Counters(3, 1)
    kept.add(np.array([2, 2]), np.zeros(2, np.int64), np.full(2, NOW_MS))

    _restore("device", other, _packed("device", kept, 3, None), None, 3)

    assert other.at(np.arange(3), NOW_MS)[:, 0, EVER].tolist() == [0, 0, 2]


class TestAbsent:
    """Whatever is wrong with it, the counters are those of the whole log."""

    @pytest.fixture(autouse=True)
    def _saved(self) -> None:
        send_many(40)
        StatsReader().read_on().save()

    def assert_absent(self, caplog: Any, said: str) -> None:
        with caplog.at_level(logging.WARNING):
            reader = StatsReader.from_snapshot()
        assert reader.watermark == (0, 0)
        assert said in caplog.text
        assert_same(reader.read_on().stats, StatsReader().read_on().stats)

    @pytest.mark.parametrize("place", [0, 20, 60, 120, 2000, -1])
    def test_altered_file(self, place: int, caplog: Any) -> None:
        data = bytearray(path_of_file().read_bytes())
        data[place] ^= 0x55
        path_of_file().write_bytes(data)

        self.assert_absent(caplog, "is not used")

    @pytest.mark.parametrize("size", [0, 1, 40, 500])
    def test_cut_file(self, size: int, caplog: Any) -> None:
        path_of_file().write_bytes(path_of_file().read_bytes()[:size])

        self.assert_absent(caplog, "is not used")

    def test_file_of_other_counting_rules(self, caplog: Any) -> None:
        path_of_file().write_bytes(seal(b"", version="counters-0"))

        self.assert_absent(caplog, "another version")

    @pytest.mark.parametrize("payload", [b"", b"PK\x03\x04", b"x" * 100])
    def test_sealed_nonsense(self, payload: bytes, caplog: Any) -> None:
        path_of_file().write_bytes(seal(payload, version=VERSION))

        self.assert_absent(caplog, "not a snapshot")

    def test_snapshot_newer_than_the_log(self, caplog: Any) -> None:
        Event.objects.order_by("-id").first().delete()  # type: ignore[union-attr]

        self.assert_absent(caplog, "not in this log")

    def test_snapshot_of_another_database(self, caplog: Any) -> None:
        Event.objects.all().delete()
        send_many(60, start=100)
        last = Event.objects.order_by("-id").first()
        assert last is not None
        stored = StatsReader().read_on()
        stored.watermark = (last.transaction_id, last.pk)
        payload = snapshot.pack(snapshot.Snapshot(stored.stats, stored.watermark))
        Event.objects.filter(pk=last.pk).update(event_key="0" * 32)

        with pytest.raises(SnapshotError, match="not in this log"):
            unpack(payload, content.catalog())
        self.assert_absent(caplog, "not in this log")

    def test_snapshot_that_counts_what_the_catalogue_does_not_have(self, caplog: Any) -> None:
        Content.objects.filter(category="cars").update(category="boats", changed_ms=NOW_MS + 1)
        live.reset_all()

        self.assert_absent(caplog, "category that the catalogue does not have")

    def test_file_that_may_not_be_read(self, caplog: Any) -> None:
        path_of_file().unlink()
        path_of_file().mkdir()

        self.assert_absent(caplog, "is not used")


class TestTask:
    def test_snapshot_is_written_when_enough_is_new(self) -> None:
        send_many(30)

        assert snapshot_counters(at_least=31) == 0
        assert not path_of_file().exists()
        assert snapshot_counters(at_least=30) > 0
        assert snapshot_counters(at_least=1) == 0
        send_many(5, start=30)
        assert snapshot_counters(at_least=5) > 0
        assert_same(StatsReader.from_snapshot().stats, StatsReader().read_on().stats)

    def test_worker_whose_catalogue_is_old_counts_new_contents(self, settings: Any) -> None:
        settings.REFRESH_SECONDS = 1
        content.catalog()
        make_content("new0", now_ms=NOW_MS + 1)
        send(make_event("like", content_id="new0"))

        assert snapshot_counters(at_least=1) > 0

        assert_same(StatsReader.from_snapshot().stats, StatsReader().read_on().stats)
