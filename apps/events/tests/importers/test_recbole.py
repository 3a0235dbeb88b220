"""The importer of atomic files, on tiny ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.content.models import Content
from apps.events.tests.importers.factories import load, stored
from apps.events.types import EventFlag

pytestmark = pytest.mark.django_db


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
