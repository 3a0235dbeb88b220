"""Prometheus rules and the Grafana dashboard name only metrics that `/metrics` has."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from apps.content.tests.factories import NOW_MS, make_content
from apps.experiments.models import Exposure
from apps.experiments.services import judge
from apps.experiments.tests.factories import make_running
from apps.experiments.tests.test_judging import expose
from apps.feed.services import for_user
from apps.feed.types import FeedQuery
from apps.insights.models import Alert, AlertRule, DayTotals
from apps.insights.tests.factories import TODAY

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parent.parent.parent.parent
GROUPS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
BOARD = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in BOARD["panels"] for target in panel["targets"]
]
NAME = re.compile(r"\b(?:recsys|django|process)_[a-z0-9_]+")


def scraped() -> str:
    return Client().get("/metrics").text


def names_in(text: str) -> set[str]:
    """Return the metrics of a scrape; of a histogram with its parts."""
    found = set()
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            found.add(name)
            if kind == "histogram":
                found |= {f"{name}_{part}" for part in ("bucket", "count", "sum")}
    return found


def test_every_metric_that_is_asked_for_is_told() -> None:
    asked = {name for text in EXPRESSIONS for name in NAME.findall(text)}
    assert len(asked) > 12
    assert asked <= names_in(scraped())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_rule_says_how_bad_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    heads = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.M)
    assert anchor in {head.lower().replace(" ", "-") for head in heads}
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_gauges_are_as_of_the_scrape() -> None:
    rule = AlertRule.objects.create(name="r", metric="dau", kind="missing")
    Alert.objects.create(rule=rule, opened_ms=1)
    DayTotals.objects.create(day=TODAY, segment="all", totals={})
    make_content("v1")
    for_user(FeedQuery("alice"), now_ms=2_000_000_000_000)

    text = scraped()

    assert "recsys_open_alerts 1.0" in text
    assert "recsys_quarantine_events 0.0" in text
    assert 'recsys_pulse{what="views"} 0.0' in text
    assert "recsys_rollup_age_seconds" in text
    assert not re.search(r"^recsys_rollup_age_seconds \d", text, re.M)  # no worker was ever there


def test_experiment_with_a_wrong_sample_ratio_is_told() -> None:
    sound, lost, _ = (make_running(key, reserved=3000) for key in ("sound", "lost", "fresh"))
    for experiment in (sound, lost):
        halves = expose(experiment, 200)
    Exposure.objects.filter(experiment=lost, viewer_id__in=halves["one"][:90]).delete()
    for experiment in (sound, lost):
        judge(experiment, now_ms=NOW_MS + 5000)

    text = scraped()

    assert 'recsys_experiment_withheld{experiment="sound"} 0.0' in text
    assert 'recsys_experiment_withheld{experiment="lost"} 1.0' in text
    assert 'experiment="fresh"' not in text  # nobody has judged it yet


def test_room_on_the_disk_is_told_of_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    rooms = dict(re.findall(r'^recsys_disk_free_bytes{folder="(\w+)"} (\S+)$', scraped(), re.M))
    assert set(rooms) == {"artifacts", "uploads"}
    size = shutil.disk_usage(tmp_path).total
    assert all(0 < float(free) <= size for free in rooms.values())
