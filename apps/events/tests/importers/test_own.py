"""The importer of logs of one's own, as lines and as tables."""

from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from apps.content.tests.factories import NOW_MS, make_content
from apps.events.importers.own import import_events
from apps.events.importers.run import ImportReport
from apps.events.models import Event
from apps.events.tests.importers.factories import silent, stored

pytestmark = pytest.mark.django_db


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
