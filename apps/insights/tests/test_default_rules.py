"""The rules that an installation begins with find planted incidents, and little else."""

from __future__ import annotations

import numpy as np
import pytest

from apps.insights.models import AlertRule
from apps.insights.watched import LABELS
from benchmarks import alerts

KIND_RULE = {
    "outage": "events_5m",
    "flood": "events_5m",
    "skips": "skip_rate_5m",
    "completes": "completion_5m",
}


@pytest.mark.django_db
def test_every_installed_rule_watches_something() -> None:
    rules = AlertRule.objects.all()
    assert len(rules) == 10
    assert {rule.metric for rule in rules} <= set(LABELS)


def test_planted_incidents_are_found_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "KINDS", tuple(KIND_RULE))
    monkeypatch.setattr(alerts, "DAYS", 4)
    world = alerts.make_world(np.random.default_rng(5), n_incidents=4)
    by_metric = {
        metric: rule for metric, rule in alerts.rules().values() if rule.kind == "seasonal"
    }

    for incident in world.incidents:
        metric = KIND_RULE[incident.kind]
        opened = [at for at, _ in alerts.alarms(world, metric, by_metric[metric])]
        assert any(incident.start <= at <= incident.start + 2 for at in opened), incident
