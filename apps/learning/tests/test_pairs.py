"""Files of pairs: what is read, what is refused, and who may learn from what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from apps.candidates.tests.factories import NOW_MS, make_log
from apps.content import selectors as content
from apps.content.services import upsert_contents
from apps.content.types import Catalog, ContentMetadata, ContentRow
from apps.core.clock import DAY_MS, to_datetime
from apps.events.types import EventFlag, EventLog, EventType
from apps.features.selectors import NAMES
from apps.learning.pairs import PairsFileError, PairTable, outcomes, read_pairs, score_pairs
from apps.profiles.services import ensure_viewers
from apps.ranking.algorithms import watch_quantiles
from apps.ranking.blend import trees_only
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.boosters import BoosterParams
from apps.ranking.inputs import Inputs
from apps.ranking.rankers import Rankers
from apps.ranking.select import unlearned
from apps.ranking.tests.factories import TINY
from apps.ranking.types import (
    BOOSTED,
    LEARNED,
    NEURAL,
    WATCH_QUANTILE,
    WATCH_SECONDS,
    Head,
)

pytestmark = pytest.mark.django_db
N = 8
MINUTE = 60_000


@pytest.fixture
def catalog() -> Catalog:
    rows = [
        ContentRow(f"v{i}", f"c{i % 2}", metadata=ContentMetadata(duration=20.0)) for i in range(N)
    ]
    upsert_contents(rows, now_ms=NOW_MS - 30 * DAY_MS)
    return content.catalog()


@pytest.fixture
def alice(catalog: Catalog) -> int:
    return ensure_viewers(["alice"])["alice"]


def write(path: Path, **columns: Any) -> Path:
    """Write a file of alice's pairs, a minute apart; `columns` replace or add to them."""
    n = len(next(iter(columns.values()), range(4)))
    given: dict[str, Any] = {
        "user_id": ["alice"] * n,
        "content_id": [f"v{i % N}" for i in range(n)],
        "timestamp": [NOW_MS + i * MINUTE for i in range(n)],
    }
    frame = pd.DataFrame(given | columns)
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def read(tmp_path: Path, catalog: Catalog) -> Any:
    return lambda **columns: read_pairs(write(tmp_path / "pairs.csv", **columns), catalog)


class TestReadPairs:
    def test_known_users_and_contents_get_their_keys(self, read: Any, alice: int) -> None:
        pairs = read(content_id=["v3", "v0"]).pairs
        assert pairs.viewer.tolist() == [alice, alice]
        assert pairs.content.tolist() == [3, 0]

    def test_contents_never_heard_of_have_no_row(self, read: Any) -> None:
        assert read(content_id=["v3", "nobody-knows"]).pairs.content.tolist() == [3, -1]

    def test_strangers_are_told_apart_from_each_other_and_from_all(
        self, read: Any, alice: int
    ) -> None:
        viewer = read(user_id=["x", "y", "x", "alice"]).pairs.viewer.tolist()
        assert viewer[0] == viewer[2]
        assert len(set(viewer)) == 3
        assert max(viewer[:3]) < 0

    @pytest.mark.parametrize(
        "moments",
        [
            [NOW_MS, NOW_MS + 2000],
            [NOW_MS // 1000, NOW_MS // 1000 + 2],
            ["2025-10-09T08:53:20Z", "2025-10-09T10:53:22+02:00"],
            ["2025-10-09 08:53:20", "2025-10-09 08:53:22.000"],
        ],
        ids=["ms", "seconds", "zones", "naive"],
    )
    def test_moments_are_read_in_any_form(self, read: Any, moments: list[Any]) -> None:
        assert to_datetime(NOW_MS).isoformat() == "2025-10-09T08:53:20+00:00"
        assert read(timestamp=moments).pairs.at_ms.tolist() == [NOW_MS, NOW_MS + 2000]

    def test_columns_may_be_named_as_in_kuairand(self, tmp_path: Path, catalog: Catalog) -> None:
        frame = pd.DataFrame(
            {"user_id": [7], "video_id": ["v1"], "time_ms": [NOW_MS], "tab": [4], "is_like": [1]}
        )
        frame.to_csv(tmp_path / "log.csv", index=False)
        table = read_pairs(tmp_path / "log.csv", catalog)
        assert table.pairs.content.tolist() == [1]
        assert table.pairs.surface.tolist() == [4]
        kinds = outcomes(table, catalog).kind.tolist()
        assert kinds == [EventType.VIEW, EventType.LIKE]

    def test_parquet_is_read_as_csv_is(self, tmp_path: Path, catalog: Catalog, read: Any) -> None:
        table = read(watch_duration=[3.0, 20.0])
        table.given.to_parquet(tmp_path / "pairs.parquet")
        again = read_pairs(tmp_path / "pairs.parquet", catalog)
        pd.testing.assert_frame_equal(again.given, table.given)

    def test_ids_are_texts_whatever_they_look_like(self, read: Any, catalog: Catalog) -> None:
        upsert_contents([ContentRow("007", "c1")], now_ms=NOW_MS)
        ensure_viewers(["0042"])
        assert read(content_id=["007"]).given["content_id"].tolist() == ["007"]
        assert read(user_id=["0042"]).pairs.viewer.tolist()[0] > 0

    def test_missing_columns_are_named(self, tmp_path: Path, catalog: Catalog) -> None:
        pd.DataFrame({"user_id": ["alice"]}).to_csv(tmp_path / "pairs.csv", index=False)
        with pytest.raises(PairsFileError, match=r"\['content_id', 'timestamp'\] are missing"):
            read_pairs(tmp_path / "pairs.csv", catalog)

    def test_file_out_of_order_is_refused_with_the_line(self, read: Any) -> None:
        # Line 1 is the header: the third pair stands in line 4.
        with pytest.raises(PairsFileError, match="line 4 is earlier"):
            read(timestamp=[NOW_MS, NOW_MS + 5, NOW_MS + 4, NOW_MS + 9])

    def test_moment_that_is_none_is_refused(self, read: Any) -> None:
        with pytest.raises(PairsFileError, match="timestamp"):
            read(timestamp=["2025-10-09", "soon"])

    @pytest.mark.parametrize("moments", [[None, NOW_MS], [None, "2025-10-09"]])
    def test_missing_moment_is_refused_with_the_line(self, read: Any, moments: list[Any]) -> None:
        with pytest.raises(PairsFileError, match="line 2 has no timestamp"):
            read(timestamp=moments)


class TestOutcomes:
    def test_views_carry_their_watch_time(self, read: Any, catalog: Catalog) -> None:
        assert outcomes(read(watch_ms=[1500]), catalog).watch_seconds.tolist() == [1.5]
        assert outcomes(read(watch_duration=[1.5]), catalog).watch_seconds.tolist() == [1.5]

    def test_long_views_are_as_the_file_declares_them(self, read: Any, catalog: Catalog) -> None:
        flags = outcomes(read(long_view=[1, 0]), catalog).flags.tolist()
        assert flags == [EventFlag.LONG_VIEW, EventFlag.SHORT_VIEW]

    def test_what_did_not_happen_is_no_event(self, read: Any, catalog: Catalog) -> None:
        log = outcomes(read(like=[0, 1], hide=[None, 0]), catalog)
        assert log.kind.tolist() == [EventType.VIEW, EventType.VIEW, EventType.LIKE]
        assert log.at_ms.tolist()[-1] == NOW_MS + MINUTE


@pytest.fixture(scope="module")
def rankers() -> Rankers:
    """Return rankers whose LIKE and seconds are decided by the rate of the last long views."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, len(NAMES))).astype(np.float32)
    rate = x[:, NAMES.index("long_rate_last_10")] = rng.random(800)
    y = (rate > rng.random(800)).astype(np.float32)
    inputs = Inputs.of_strangers(x)
    labels = {head: np.zeros(800, np.float32) for head in LEARNED}
    labels |= {Head.LIKE.value: y, WATCH_QUANTILE: rate.astype(np.float32)}
    soft = BoosterParams(objective="cross_entropy", trees=8, leaves=4, min_leaf=5)
    boosted = fit_boosted(inputs, labels, BoostedParams(TINY, TINY, soft))
    watch = watch_quantiles.fit(20 * rate, inputs.duration)
    blend = trees_only((BOOSTED, NEURAL))
    return Rankers("made", unlearned(), boosted, None, blend, watch, {})


class TestScorePairs:
    @pytest.fixture
    def log(self, alice: int) -> EventLog:
        views = [(alice, i % N, NOW_MS - (9 - i) * DAY_MS) for i in range(6)]
        return make_log([*views, (alice + 1, 2, NOW_MS - DAY_MS)])

    @pytest.fixture
    def score(self, catalog: Catalog, log: EventLog, rankers: Rankers) -> Any:
        def likes(table: PairTable, *, learn: bool) -> NDArray:
            return score_pairs(table, log, catalog, rankers, learn=learn)[Head.LIKE]

        return likes

    LONG = [1, 0, 0, 1, 0, 0, 0, 1]

    def test_every_head_and_the_seconds_come_for_every_pair(
        self, read: Any, catalog: Catalog, log: EventLog, rankers: Rankers
    ) -> None:
        scored = score_pairs(read(), log, catalog, rankers, learn=False)
        assert set(scored) == {*LEARNED, WATCH_SECONDS}
        assert {values.shape for values in scored.values()} == {(4,)}
        assert all(np.isfinite(values).all() for values in scored.values())

    def test_without_learning_nothing_that_the_file_says_matters(
        self, read: Any, score: Any
    ) -> None:
        plain = score(read(timestamp=[NOW_MS + i * MINUTE for i in range(8)]), learn=False)
        told = score(read(long_view=self.LONG, like=self.LONG[::-1]), learn=False)
        np.testing.assert_array_equal(told, plain)

    def test_without_learning_rows_do_not_see_each_other(self, read: Any, score: Any) -> None:
        all_rows = score(read(long_view=self.LONG), learn=False)
        one = read(
            user_id=["alice"], content_id=["v5"], timestamp=[NOW_MS + 5 * MINUTE], long_view=[1]
        )
        assert score(one, learn=False)[0] == all_rows[5]

    @pytest.mark.parametrize("row", [0, 2, 4])
    def test_outcome_of_a_row_changes_later_predictions_only(
        self, read: Any, score: Any, row: int
    ) -> None:
        flipped = [1 - long if i == row else long for i, long in enumerate(self.LONG)]
        before = score(read(long_view=self.LONG), learn=True)
        after = score(read(long_view=flipped), learn=True)
        np.testing.assert_array_equal(after[: row + 1], before[: row + 1])
        assert (after[row + 1 :] != before[row + 1 :]).any()

    def test_rows_of_the_same_moment_do_not_see_each_other(self, read: Any, score: Any) -> None:
        same = {"user_id": ["x"] * 3, "timestamp": [NOW_MS, NOW_MS, NOW_MS + 1]}
        before = score(read(long_view=[1, 0, 0], **same), learn=True)
        after = score(read(long_view=[0, 0, 0], **same), learn=True)
        np.testing.assert_array_equal(after[:2], before[:2])
        assert after[2] != before[2]

    def test_events_after_a_row_are_not_in_it(
        self, read: Any, catalog: Catalog, log: EventLog, rankers: Rankers, alice: int
    ) -> None:
        table = read(long_view=self.LONG)
        later = [(alice, row, int(table.pairs.at_ms[-1]) + 1 + row) for row in range(N)]
        wild = EventLog.concat([log, make_log(later)])
        expected = score_pairs(table, log, catalog, rankers, learn=True)
        np.testing.assert_array_equal(
            score_pairs(table, wild, catalog, rankers, learn=True)[Head.LIKE], expected[Head.LIKE]
        )

    def test_strangers_are_remembered_within_the_file(self, read: Any, score: Any) -> None:
        strangers = ["x", "x", "y", "x"]
        before = score(read(user_id=strangers, long_view=[1, 1, 0, 0]), learn=True)
        after = score(read(user_id=strangers, long_view=[0, 1, 0, 0]), learn=True)
        assert (after != before).tolist() == [False, True, False, True]

    def test_content_never_heard_of_gets_what_is_expected_of_nothing_known(
        self, read: Any, score: Any, rankers: Rankers
    ) -> None:
        scored = score(read(content_id=["v1", "new", "v2"]), learn=False)
        nothing = np.full((1, len(NAMES)), np.nan, np.float32)
        unknown = rankers.predict_heads(Inputs.of_strangers(nothing))
        assert scored[1] == unknown[Head.LIKE][0]
