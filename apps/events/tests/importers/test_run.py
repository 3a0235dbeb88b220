"""A run of an import: interrupted, repeated, on changed files."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.content.tests.factories import make_content
from apps.content.types import ContentRow
from apps.events.importers import run
from apps.events.importers.base import Row
from apps.events.models import Event, ImportCheckpoint
from apps.events.services import LoggedEvent
from apps.events.tests.importers.factories import load
from apps.events.types import EventType
from apps.profiles.models import Viewer

pytestmark = pytest.mark.django_db


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
