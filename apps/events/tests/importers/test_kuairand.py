"""The importer of KuaiRand, on tiny files in its formats."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from apps.content.models import Content
from apps.content.tests.factories import make_content
from apps.events.models import Event
from apps.events.tests.importers.factories import load, stored
from apps.events.types import EventFlag, EventType
from apps.profiles.models import CreatorRelation

pytestmark = pytest.mark.django_db

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
