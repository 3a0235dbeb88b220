"""The importer of MovieLens, on tiny files in its formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.content.models import Content
from apps.events.tests.importers.factories import load, stored
from apps.events.types import EventFlag

pytestmark = pytest.mark.django_db


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
