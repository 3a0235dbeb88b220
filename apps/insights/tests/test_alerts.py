"""Alerts: opened and closed once, told by mail and webhook, silenced, acknowledged."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from django.core import mail

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.core.models import WebhookDelivery
from apps.core.webhooks.services import add_endpoint
from apps.events.tests.factories import make_event
from apps.insights import alerts
from apps.insights.alerts import check_alerts
from apps.insights.conf import BUCKET_MS
from apps.insights.kpis import KPIS
from apps.insights.models import Alert, AlertRule, Pulse, Sample
from apps.insights.tests.factories import make_user, on_day, take_in
from apps.insights.watched import LABELS, PULSES, SAMPLES, Reader, sample

pytestmark = pytest.mark.django_db

NOON = on_day(0)


@pytest.fixture(autouse=True)
def _only_own_rules(settings: Any) -> None:
    AlertRule.objects.all().delete()
    settings.ALERT_EMAILS = ["ops@example.org"]


def make_rule(**given: Any) -> AlertRule:
    fields = {"name": "lag", "metric": "consumer_lag_seconds", "kind": "threshold"}
    fields |= {"direction": "above", "threshold": 600, "minimum_volume": 1, "ticks": 2}
    return AlertRule.objects.create(**(fields | given))


def lag(*values: float, until_ms: int = NOON) -> None:
    """Store samples of five minutes each, the last one just over."""
    for i, value in enumerate(reversed(values)):
        Sample.objects.create(
            metric="consumer_lag_seconds", bucket_ms=until_ms - (i + 1) * BUCKET_MS, value=value
        )


def check(at_ms: int = NOON + 60_000) -> list[Alert]:
    return check_alerts(now_ms=at_ms)


class TestThreshold:
    def test_it_opens_once_and_closes_when_it_is_well(self) -> None:
        make_rule()
        lag(0, 900, 950)

        assert [a.value for a in check()] == [950]
        assert check() == []
        lag(10, 10, until_ms=NOON + 2 * BUCKET_MS)
        closed = check(NOON + 2 * BUCKET_MS + 60_000)

        assert [a.resolved_ms for a in closed] == [NOON + 2 * BUCKET_MS + 60_000]
        assert Alert.objects.count() == 1

    def test_one_bad_tick_is_no_alert(self) -> None:
        make_rule()
        lag(0, 0, 900)
        assert check() == []

    def test_a_bucket_is_judged_when_it_is_settled(self) -> None:
        make_rule()
        lag(0, 900, 950)
        assert check(NOON + 59_000) == []

    def test_a_rule_that_is_off_is_not_judged(self) -> None:
        make_rule(is_active=False)
        lag(900, 950)
        assert check() == []


class TestSeasonal:
    def make_weeks(self, last_hour_share: float = 1.0) -> None:
        """Store five weeks of the same rhythm, whose last hour is a share of the usual."""
        first = NOON - 35 * DAY_MS
        rows = []
        for i in range(35 * 288):
            views = int(800 + 500 * np.sin(2 * np.pi * (i % 288) / 288))
            share = last_hour_share if i >= 35 * 288 - 12 else 1.0
            clicks = int(views * 0.7 * share)
            rows.append(
                Pulse(
                    bucket_ms=first + i * BUCKET_MS,
                    events=views,
                    views=views,
                    clicks=clicks,
                    completes=0,
                    skips=0,
                    engagements=0,
                    reports=0,
                    watch_ms=0,
                )
            )
        Pulse.objects.bulk_create(rows)

    def test_it_opens_on_a_fall_that_no_other_week_had(self) -> None:
        make_rule(metric="ctr_5m", kind="seasonal", direction="below", threshold=4, relative=0.05)
        self.make_weeks(last_hour_share=0.75)

        (alert,) = check()

        assert alert.value == pytest.approx(0.525, abs=0.01)
        assert alert.expected == pytest.approx(0.7, abs=0.01)

    def test_the_usual_rhythm_is_no_alert(self) -> None:
        make_rule(metric="ctr_5m", kind="seasonal", direction="below", threshold=4, relative=0.05)
        make_rule(
            name="events", metric="events_5m", kind="seasonal", direction="either", threshold=4
        )
        self.make_weeks()
        assert check() == []

    def test_silence_of_all_events_is_missing_data(self) -> None:
        make_rule(metric="events_5m", kind="missing", minimum_volume=20)
        self.make_weeks()
        Pulse.objects.filter(bucket_ms__gte=NOON - 2 * BUCKET_MS).delete()
        assert [a.value for a in check()] == [0]

    def test_a_check_reads_each_table_once_whatever_the_rules(
        self, django_assert_max_num_queries: Any
    ) -> None:
        for name in PULSES:
            make_rule(name=name, metric=name, kind="seasonal")
        for name in ("dau", "ctr", "skip_rate"):
            make_rule(name=name, metric=name, kind="seasonal")
        self.make_weeks()
        with django_assert_max_num_queries(6):
            check()


class TestTelling:
    def test_mail_and_webhook_say_the_metric_and_both_numbers(self) -> None:
        add_endpoint("https://example.org/hook", ["alert"])
        make_rule()
        lag(900, 950)

        (alert,) = check()

        assert mail.outbox[0].subject == "[recsys] opened: lag"
        assert "950, expected 600" in mail.outbox[0].body
        said = json.loads(WebhookDelivery.objects.get().body)
        assert (said["topic"], said["data"]["state"]) == ("alert", "opened")
        assert (said["data"]["alert"], said["data"]["value"]) == (alert.pk, 950)

    def test_a_silenced_rule_is_listed_and_tells_nobody(self) -> None:
        add_endpoint("https://example.org/hook")
        alerts.silence(make_rule(), until_ms=NOON + DAY_MS)
        lag(900, 950)

        assert len(check()) == 1
        assert mail.outbox == []
        assert not WebhookDelivery.objects.exists()

    def test_a_dead_mail_server_ends_nothing(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_PORT = 1
        make_rule()
        lag(900, 950)
        assert len(check()) == 1

    def test_the_first_to_acknowledge_has_it(self) -> None:
        make_rule()
        lag(900, 950)
        (alert,) = check()
        ana, mo = make_user("ana"), make_user("mo")

        alerts.acknowledge(alert, ana, now_ms=NOON)
        with pytest.raises(alerts.AlertError):
            alerts.acknowledge(alert, mo, now_ms=NOON)

        assert Alert.objects.get().acknowledged_by == ana


class TestWatched:
    @pytest.mark.parametrize("metric", LABELS)
    def test_every_metric_has_a_series(self, metric: str) -> None:
        series = Reader(NOON).series(metric)
        assert series is not None
        assert len(series.amount) == len(series.volume)

    def test_an_unknown_metric_has_none(self) -> None:
        assert Reader(NOON).series("nonsense") is None

    def test_samples_are_those_of_now_and_replaced_within_five_minutes(self) -> None:
        sample(NOW_MS)
        sample(NOW_MS)
        kept = dict(Sample.objects.values_list("metric", "value"))
        assert kept["quarantine_size"] == 0
        assert set(kept) <= set(SAMPLES)

    def test_names_are_distinct(self) -> None:
        assert len(LABELS) == len(PULSES) + len(SAMPLES) + len(KPIS)


@pytest.mark.django_db(transaction=True)
def test_events_reach_their_five_minutes() -> None:
    make_content("v1", now_ms=on_day(3))
    end_ms = on_day(1)
    take_in(
        make_event(at_ms=end_ms - 2 * BUCKET_MS, watch_duration=8, event_id="a"),
        make_event(at_ms=end_ms - BUCKET_MS - 1, watch_duration=1, event_id="b"),
        make_event("like", end_ms - 1, event_id="c"),
    )

    series = Reader(end_ms + 60_000).series("ctr_5m")

    assert series is not None
    assert (series.amount.tolist(), series.volume.tolist()) == ([1, 0], [2, 0])
