"""Importers of published logs, on tiny files in each format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.content.types import ContentRow
from apps.events.importers import run
from apps.events.importers.base import Row
from apps.events.importers.kuairand import KuaiRand
from apps.events.importers.movielens import MovieLens
from apps.events.importers.own import import_events
from apps.events.importers.recbole import RecBole
from apps.events.importers.run import ImportReport, run_import
from apps.events.models import Event, ImportCheckpoint
from apps.events.services import LoggedEvent
from apps.events.types import EventFlag, EventType
from apps.profiles.models import CreatorRelation, Viewer
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db

READERS: dict[str, Any] = {"kuairand": KuaiRand, "movielens": MovieLens, "recbole": RecBole}


def silent(*_: Any) -> None:
    """Show no progress."""


def load(name: str, folder: Path, dataset: Any = None) -> ImportReport:
    dataset = dataset or READERS[name]([folder])
    return run_import(name, dataset, [folder], now_ms=NOW_MS, progress=silent)


def stored(user_id: str) -> list[tuple[str, str | None, int, int]]:
    """Return kind, content, time and flags of a viewer's events, in time order."""
    viewer = ensure_viewers([user_id])[user_id]
    rows = Event.objects.filter(viewer=viewer).order_by("occurred_ms", "kind")
    return [
        (EventType(kind).name, content, at_ms, flags)
        for kind, content, at_ms, flags in rows.values_list(
            "kind", "content__content_id", "occurred_ms", "flags"
        )
    ]


VIDEOS = pd.DataFrame(
    {
        "item_id": [10, 11],
        "author_id": [1, 2],
        "upload_dt": ["2022-04-01", "2022-04-02"],
        "video_duration": [15_000.0, None],
        "music_id": [7.0, None],
        "tag": ["12,39", None],
    }
)
IMPRESSIONS = pd.DataFrame(
    {
        "user_id": [3, 3, 4],
        "item_id": [11, 10, 10],
        "timestamp_ms": [1_650_000_002_000, 1_650_000_001_000, 1_650_000_003_000],
        "is_click": [1, 1, 0],
        "is_like": [1, 0, 0],
        "is_follow": [0, 1, 0],
        "is_comment": [0, 0, 0],
        "is_forward": [0, 0, 0],
        "is_hate": [0, 0, 1],
        "long_view": [1, 0, 0],
        "watch_ms": [20_000.0, 3_000.0, None],
        "tab": [1.0, None, 4.0],
    }
)
HISTORY = pd.DataFrame(
    {
        "user_id": [3, 3],
        "item_id": [10, 11],
        "seq_pos": [1, 0],
        "last_time_ms": [1_649_900_000_000, 1_649_900_000_000],
        "in_long_watch_seq": [1, 0],
        "in_like_seq": [1, 0],
    }
)


class TestKuaiRand:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "parquet"
        folder.mkdir()
        VIDEOS.to_parquet(folder / "videos.parquet")
        IMPRESSIONS.to_parquet(folder / "impressions.parquet")
        HISTORY.to_parquet(folder / "history.parquet")
        return folder

    def test_videos_become_contents(self, folder: Path) -> None:
        load("kuairand", folder)

        first, second = Content.objects.select_related("creator", "sound").order_by("content_id")
        assert (first.creator.creator_id, first.duration_seconds) == ("1", 15.0)
        assert (first.tags, first.category) == (["12", "39"], "12")
        assert first.sound is not None
        assert first.sound.audio_id == "7"
        assert first.uploaded_ms == 1_648_742_400_000  # midnight of 1 April in China
        assert (second.duration_seconds, second.sound, second.tags) == (None, None, [])

    def test_impressions_become_views_and_what_else_was_done(self, folder: Path) -> None:
        report = load("kuairand", folder)

        assert stored("4") == [
            ("VIEW", "10", 1_650_000_003_000, EventFlag.SHORT_VIEW | EventFlag.NO_CLICK),
            ("HIDE", "10", 1_650_000_003_000, 0),
        ]
        assert stored("3")[-4:] == [
            ("VIEW", "10", 1_650_000_001_000, EventFlag.SHORT_VIEW | EventFlag.CLICK),
            ("FOLLOW", "10", 1_650_000_001_000, 0),
            ("VIEW", "11", 1_650_000_002_000, EventFlag.LONG_VIEW | EventFlag.CLICK),
            ("LIKE", "11", 1_650_000_002_000, 0),
        ]
        assert (report.n_rows, report.n_contents, report.n_events) == (5, 2, 9)
        assert report.bad_lines == []

    def test_watch_time_and_page_are_kept(self, folder: Path) -> None:
        load("kuairand", folder)

        views = Event.objects.filter(kind=EventType.VIEW, occurred_ms__gte=1_650_000_000_000)
        rows = views.order_by("occurred_ms").values_list("watch_seconds", "surface")
        assert list(rows) == [(3.0, 0), (20.0, 1), (None, 4)]

    def test_history_keeps_its_order_with_imputed_times(self, folder: Path) -> None:
        load("kuairand", folder)

        imputed = EventFlag.TIME_IMPUTED
        first, second, liked = stored("3")[:3]
        assert (first[1], first[3]) == ("11", imputed | EventFlag.SHORT_VIEW)
        assert (second[1], second[3]) == ("10", imputed | EventFlag.LONG_VIEW)
        assert (liked[0], liked[1], liked[3]) == ("LIKE", "10", imputed)
        assert first[2] < second[2] <= 1_649_900_000_000

    def test_follows_and_hates_change_relations(self, folder: Path) -> None:
        load("kuairand", folder)

        relations = CreatorRelation.objects.values_list("creator__creator_id", "kind")
        kinds = CreatorRelation.Kind
        assert sorted(relations) == [("1", kinds.FOLLOW), ("1", kinds.MUTE)]

    def test_published_form_gives_the_same_as_parquet(self, folder: Path, tmp_path: Path) -> None:
        load("kuairand", folder)
        expected = stored("3")[-4:] + stored("4")
        Event.objects.all().delete()
        published = tmp_path / "published"
        published.mkdir()
        names = {"item_id": "video_id", "timestamp_ms": "time_ms", "watch_ms": "play_time_ms"}
        IMPRESSIONS.rename(columns=names).to_csv(published / "log_standard.csv", index=False)
        VIDEOS.rename(columns={"item_id": "video_id"}).to_csv(
            published / "video_features_basic.csv", index=False
        )

        load("kuairand", published)

        assert stored("3") + stored("4") == expected

    def test_bad_row_is_reported_and_the_others_go_in(self, tmp_path: Path) -> None:
        table = IMPRESSIONS.astype({"tab": object})
        table.loc[1, "tab"] = "front page"
        table.to_csv(tmp_path / "log.csv", index=False)

        report = load("kuairand", tmp_path)
        for content_id in set(IMPRESSIONS["item_id"].astype(str)):
            make_content(content_id)

        assert [b.place for b in report.bad_lines] == ["log.csv row 2"]
        assert Event.objects.filter(kind=EventType.VIEW).count() == 2

    def test_folder_without_a_log_is_refused(self, tmp_path: Path) -> None:
        VIDEOS.to_parquet(tmp_path / "videos.parquet")

        with pytest.raises(CommandError, match="no KuaiRand log"):
            call_command("import_dataset", "kuairand", str(tmp_path), "--quiet")


class TestMovieLens:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "ratings.csv").write_text(
            "userId,movieId,rating,timestamp\n1,10,4.0,1100000002\n1,11,2.5,1100000001\n"
            "2,10,3.0,1100000003\n"
        )
        (tmp_path / "movies.csv").write_text(
            "movieId,title,genres\n"
            '10,"Heat, The (1995)",Action|Crime\n11,Unknown,(no genres listed)\n'
        )
        (tmp_path / "tags.csv").write_text(
            "userId,movieId,tag,timestamp\n1,10,slow,1\n2,10,slow,2\n2,10,long,3\n"
        )
        return tmp_path

    def test_films_become_contents(self, folder: Path) -> None:
        load("movielens", folder)

        film = Content.objects.get(content_id="10")
        assert (film.description, film.category) == ("Heat, The (1995)", "Action")
        assert film.tags == ["Action", "Crime", "slow", "long"]
        assert film.uploaded_ms == 788_918_400_000  # 1 January 1995
        assert Content.objects.get(content_id="11").category == ""

    def test_ratings_become_views_and_likes(self, folder: Path) -> None:
        load("movielens", folder)

        assert stored("1") == [
            ("VIEW", "11", 1_100_000_001_000, EventFlag.SHORT_VIEW),
            ("VIEW", "10", 1_100_000_002_000, EventFlag.LONG_VIEW),
            ("LIKE", "10", 1_100_000_002_000, 0),
        ]
        assert stored("2") == [("VIEW", "10", 1_100_000_003_000, EventFlag.LONG_VIEW)]

    def test_old_form_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "u.data").write_text("1\t10\t5\t880000001\n2\t10\t1\t880000002\n")
        flags = ["0"] * 19
        flags[5] = "1"
        (tmp_path / "u.item").write_bytes(
            "|".join(["10", "Café (1994)", "01-Jan-1994", "", "http://x", *flags]).encode("latin-1")
        )

        load("movielens", tmp_path)

        assert stored("1")[0] == ("VIEW", "10", 880_000_001_000, EventFlag.LONG_VIEW)
        assert stored("2") == [("VIEW", "10", 880_000_002_000, EventFlag.SHORT_VIEW)]
        film = Content.objects.get()
        assert (film.description, film.category) == ("Café (1994)", "Comedy")

    def test_bad_line_is_reported_by_its_number(self, folder: Path) -> None:
        with (folder / "ratings.csv").open("a") as file:
            file.write("2,11,good,1100000009\n")

        report = load("movielens", folder)

        assert [b.place for b in report.bad_lines] == ["ratings.csv line 5"]
        assert "good" in report.bad_lines[0].reason
        assert report.n_events == 4

    def test_line_without_a_time_is_reported_by_its_number(self, folder: Path) -> None:
        with (folder / "ratings.csv").open("a") as file:
            file.write("2,11,3.0,\n")

        report = load("movielens", folder)

        assert [b.place for b in report.bad_lines] == ["ratings.csv line 5"]

    def test_line_with_a_text_as_time_is_reported_by_its_number(self, folder: Path) -> None:
        with (folder / "ratings.csv").open("a") as file:
            file.write("2,11,3.0,yesterday\n")

        report = load("movielens", folder)

        assert [b.place for b in report.bad_lines] == ["ratings.csv line 5"]

    def test_folder_without_ratings_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="no MovieLens ratings"):
            call_command("import_dataset", "movielens", str(tmp_path), "--quiet")


class TestRecBole:
    def test_atomic_files_are_read(self, tmp_path: Path) -> None:
        (tmp_path / "toy.inter").write_text(
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
            "u1\ti1\t5.0\t1100000001\nu1\ti2\t1.0\t1100000002\n"
        )
        (tmp_path / "toy.item").write_text(
            "item_id:token\tmovie_title:token_seq\tclass:token_seq\ni1\tHeat\tAction Crime\n"
        )

        load("recbole", tmp_path)

        assert stored("u1") == [
            ("VIEW", "i1", 1_100_000_001_000, EventFlag.LONG_VIEW),
            ("LIKE", "i1", 1_100_000_001_000, 0),
            ("VIEW", "i2", 1_100_000_002_000, EventFlag.SHORT_VIEW),
        ]
        first = Content.objects.get(content_id="i1")
        assert (first.description, first.tags) == ("Heat", ["Action", "Crime"])
        assert Content.objects.filter(content_id="i2").exists()

    def test_interactions_without_rating_are_long_views(self, tmp_path: Path) -> None:
        (tmp_path / "toy.inter").write_text("user_id:token\titem_id:token\nu1\ti1\nu1\ti2\n")

        load("recbole", tmp_path)

        assert [e[:2] for e in stored("u1")] == [("VIEW", "i1"), ("VIEW", "i2")]

    def test_bad_line_is_reported_by_its_number(self, tmp_path: Path) -> None:
        (tmp_path / "toy.inter").write_text(
            "user_id:token\titem_id:token\ttimestamp:float\nu1\ti1\t1100000001\nu1\ti2\tsoon\n"
        )

        report = load("recbole", tmp_path)

        assert [b.place for b in report.bad_lines] == ["toy.inter line 3"]
        assert len(stored("u1")) == 1

    def test_folder_without_interactions_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "toy.inter").write_text("user:token\titem:token\n")

        with pytest.raises(CommandError, match="no RecBole interactions"):
            call_command("import_dataset", "recbole", str(tmp_path), "--quiet")


class TestOwn:
    def load(self, path: Path) -> ImportReport:
        return import_events([path], now_ms=NOW_MS, progress=silent)

    @pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
    def test_lines_are_events_and_bad_ones_are_reported_by_number(
        self, name: str, tmp_path: Path
    ) -> None:
        event = {"type": "view", "user_id": "alice", "timestamp": "2020-01-01T00:00:00Z"}
        lines = [
            json.dumps({**event, "content_id": "v1"}),
            "",
            "{oops",
            json.dumps({**event, "content_id": "v2"}),
            json.dumps(event),
        ]
        opener: Any = gzip.open if name.endswith("gz") else open
        with opener(tmp_path / name, "wt") as file:
            file.write("\n".join(lines))

        report = self.load(tmp_path)

        assert (report.n_rows, report.n_events) == (4, 2)
        assert [b.place for b in report.bad_lines] == [f"{name} line 3", f"{name} line 5"]
        assert "malformed-json" in report.bad_lines[0].reason

    def test_table_is_read_with_gaps(self, tmp_path: Path) -> None:
        (tmp_path / "events.csv").write_text(
            "type,user_id,content_id,timestamp,watch_duration,comment_text\n"
            "view,alice,v1,2020-01-01T00:00:00Z,7.5,\n"
            "comment,alice,v1,2020-01-01T00:00:01Z,,NA\n"
            "dance,alice,v1,2020-01-01T00:00:02Z,,\n"
        )

        make_content("v1")

        report = self.load(tmp_path)

        assert [b.place for b in report.bad_lines] == ["events.csv line 4"]
        view, comment = Event.objects.order_by("occurred_ms")
        assert (view.watch_seconds, view.info) == (7.5, None)
        assert comment.info == {"comment_text": "NA"}

    @pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
    def test_ids_that_look_like_numbers_are_ids(self, suffix: str, tmp_path: Path) -> None:
        table = pd.DataFrame(
            {"type": ["view", "view"], "user_id": [17, 18], "content_id": [3, 3]}
        ).assign(timestamp=["2020-01-01T00:00:00Z"] * 2, creator_id=[5.0, None])
        path = tmp_path / f"events.{suffix}"
        if suffix == "parquet":
            table.to_parquet(path)
        else:
            table.assign(creator_id=["05", None]).to_csv(path, index=False)

        make_content("3")

        report = self.load(tmp_path)

        assert report.bad_lines == []
        assert [content for _, content, _, _ in stored("17")] == ["3"]

    def test_second_run_doubles_nothing(self, tmp_path: Path) -> None:
        event = {"type": "view", "user_id": "alice", "content_id": "v1"}
        line = json.dumps({**event, "timestamp": "2020-01-01T00:00:00Z"})
        (tmp_path / "events.jsonl").write_text(line)
        make_content("v1")

        assert [self.load(tmp_path).n_events for _ in range(2)] == [1, 0]

        assert Event.objects.count() == 1

    def test_command_reports_bad_lines(self, tmp_path: Path) -> None:
        (tmp_path / "events.jsonl").write_text("{oops\n")
        out, errors = StringIO(), StringIO()

        call_command(
            "import_dataset", "events", str(tmp_path), "--quiet", stdout=out, stderr=errors
        )

        assert "events.jsonl line 1: malformed-json" in errors.getvalue()
        assert "0 events from 1 rows, 0 duplicates, 1 bad lines" in out.getvalue()

    def test_missing_file_is_refused_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="nowhere"):
            call_command("import_dataset", "events", str(tmp_path / "nowhere"), "--quiet")


class Toy:
    """A data set of n views that breaks off before the row `breaks_at`."""

    def __init__(self, n: int, breaks_at: int | None = None) -> None:
        self.n_rows = n
        self._breaks_at = breaks_at

    def contents(self) -> Iterator[ContentRow]:
        yield ContentRow("v1", "bob")

    def events(self, start: int) -> Iterator[tuple[int, list[Row]]]:
        for number in range(start, self.n_rows):
            if number == self._breaks_at:
                raise ConnectionError("the disk is gone")
            at_ms = 1_600_000_000_000 + number
            yield number, [LoggedEvent(f"user{number % 3}", "v1", EventType.VIEW, at_ms)]


class TestRun:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (tmp_path / "log.csv").write_text("whatever")
        monkeypatch.setattr(run, "BATCH_ROWS", 4)
        return tmp_path

    def test_second_run_does_nothing(self, folder: Path) -> None:
        first, second = load("toy", folder, Toy(10)), load("toy", folder, Toy(10))

        assert (first.n_events, second.n_events, second.resumed_at) == (10, 0, 10)
        assert Event.objects.count() == 10

    def test_second_run_without_its_checkpoint_doubles_nothing(self, folder: Path) -> None:
        load("toy", folder, Toy(10))
        ImportCheckpoint.objects.all().delete()

        load("toy", folder, Toy(10))

        assert Event.objects.count() == 10
        assert Viewer.objects.count() == 3

    def test_interrupted_run_goes_on_where_it_stopped(self, folder: Path) -> None:
        with pytest.raises(ConnectionError):
            load("toy", folder, Toy(10, breaks_at=6))
        assert Event.objects.count() == 4  # the batch that was whole

        report = load("toy", folder, Toy(10))

        assert (report.resumed_at, report.n_events) == (4, 6)
        assert Event.objects.count() == 10

    def test_run_interrupted_many_times_ends_complete(self, folder: Path) -> None:
        for breaks_at in (1, 5, 5, 9):
            with pytest.raises(ConnectionError):
                load("toy", folder, Toy(10, breaks_at))

        load("toy", folder, Toy(10))

        moments = Event.objects.order_by("occurred_ms").values_list("occurred_ms", flat=True)
        assert list(moments) == [1_600_000_000_000 + i for i in range(10)]

    def test_changed_files_are_another_import(self, folder: Path) -> None:
        load("toy", folder, Toy(10))
        (folder / "log.csv").write_text("something else")

        report = load("toy", folder, Toy(12))

        assert report.resumed_at == 0
        assert Event.objects.count() == 12

    def test_event_about_an_unknown_content_keeps_its_id(self, folder: Path) -> None:
        class Other(Toy):
            def contents(self) -> Iterator[ContentRow]:
                return iter(())

        load("toy", folder, Other(2))

        assert not Event.objects.exists()
        make_content("v1")
        assert set(Event.objects.values_list("content__content_id", "kind")) == {("v1", 1)}
        assert Event.objects.count() == 2

    def test_event_that_waited_keeps_what_only_an_import_can_say(self, folder: Path) -> None:
        class Other(Toy):
            def contents(self) -> Iterator[ContentRow]:
                return iter(())

            def events(self, start: int) -> Iterator[tuple[int, list[Row]]]:
                yield (
                    0,
                    [LoggedEvent("u", "v1", EventType.VIEW, 5, 9e4, 1, 3, 330, 2, 7.0, {"a": 1})],
                )

        load("toy", folder, Other(1))
        make_content("v1", duration=1)

        stored = Event.objects.get()
        assert (stored.occurred_ms, stored.watch_seconds, stored.flags) == (5, 9e4, 1)
        assert (stored.surface, stored.utc_offset_minutes, stored.device) == (3, 330, 2)
        assert (stored.network_ms, stored.info) == (7.0, {"a": 1})

    def test_imported_events_come_out_of_since(self, folder: Path) -> None:
        load("toy", folder, Toy(3))

        assert Event.objects.filter(transaction_id__gte=0).count() == 3

    def test_command_says_what_came_of_it(self, tmp_path: Path) -> None:
        (tmp_path / "toy.inter").write_text("user_id:token\titem_id:token\nu1\ti1\nu1\ti2\n")
        first, second = StringIO(), StringIO()

        call_command("import_dataset", "recbole", str(tmp_path), "--quiet", stdout=first)
        call_command("import_dataset", "recbole", str(tmp_path), "--quiet", stdout=second)

        assert "2 contents, 2 events from 2 rows, 0 duplicates, 0 bad lines" in first.getvalue()
        assert "2 rows were imported before" in second.getvalue()
