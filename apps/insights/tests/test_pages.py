"""Who may open which page, what the pages say, and how many queries they take."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from apps.content.tests.factories import make_content
from apps.core.artifacts import promote_artifact
from apps.core.clock import now_ms
from apps.core.models import Artifact
from apps.core.tests.test_artifacts import FAMILY, make_artifact
from apps.events.models import Event, Slate
from apps.events.tests.factories import make_event, send
from apps.features.models import Watermark
from apps.insights.days import start_ms
from apps.insights.models import Alert, AlertRule, DayCohorts, DayTotals
from apps.insights.roles import ROLES
from apps.insights.tests.factories import TODAY, make_user
from apps.insights.urls import urlpatterns
from apps.profiles.models import Viewer

pytestmark = pytest.mark.django_db
BOTH, ADMINS = {"analyst", "admin"}, {"admin"}
# By the name of each address: its method, and the roles that it lets in.
RIGHTS: dict[str, tuple[str, set[str]]] = {
    "ops": ("get", BOTH),
    "kpi": ("get", BOTH),
    "retention": ("get", BOTH),
    "models": ("get", BOTH),
    "model_promote": ("get", ADMINS),
    "model_rollback": ("get", ADMINS),
    "model_canary": ("get", ADMINS),
    "rollout_end": ("post", ADMINS),
    "inspect_viewer": ("get", ADMINS),
    "inspect_content": ("get", ADMINS),
    "alerts": ("get", BOTH),
    "alert_acknowledge": ("post", ADMINS),
    "rule_new": ("get", ADMINS),
    "rule_edit": ("get", ADMINS),
    "rule_silence": ("post", ADMINS),
}
ROUTES = {route.name: str(route.pattern) for route in urlpatterns}


def address(name: str) -> str:
    path = ROUTES[name].replace("<slug:name>", "ctr").replace("<slug:family>", "bundle")
    return f"/ops/{path.replace('<int:pk>', '1')}"


def test_every_address_has_its_rights_in_the_table() -> None:
    assert set(ROUTES) == set(RIGHTS)


@pytest.mark.parametrize("role", [*ROLES, "moderator", ""])
@pytest.mark.parametrize("name", RIGHTS)
def test_role_gets_in_or_is_refused(name: str, role: str, client: Client) -> None:
    client.force_login(make_user("ana", role))
    method, allowed = RIGHTS[name]

    status = getattr(client, method)(address(name)).status_code

    assert (status != 403) is (role in allowed)


@pytest.mark.parametrize("name", RIGHTS)
def test_others_than_staff_are_sent_to_the_login(name: str, client: Client) -> None:
    answer = getattr(client, RIGHTS[name][0])(address(name))
    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_user("ada", "admin"))
    return client


@pytest.fixture
def days(settings: Any) -> None:
    """Twenty days; the last one is going on."""
    Watermark.objects.create(consumer="insights", caught_up_ms=start_ms(TODAY) + 60_000)
    for ago in range(20):
        totals = {"viewers": 100 - ago, "views": 1000, "clicks": 700 - ago, "sessions": 5}
        totals |= {"session_median": 60.0, "session_p90": 90.0, "session_seconds": 400.0}
        DayTotals.objects.create(day=TODAY - ago, segment="all", totals=totals)
        DayTotals.objects.create(day=TODAY - ago, segment="age:18-24", totals=totals)
        counts = [100 - ago] + [40] * 30
        DayCohorts.objects.create(
            day=TODAY - ago,
            active=100 - ago,
            new=10,
            weekly=300,
            monthly=500,
            returned=counts,
            new_returned=[10] + [4] * 30,
        )


class TestOverview:
    def test_tile_shows_the_last_whole_day_and_its_change(self, admin: Client, days: None) -> None:
        text = admin.get("/ops/").text
        # 99 viewers yesterday, 92 a week before: +7.6 %
        assert "<strong>99</strong>" in text
        assert "+7.6 % to the week before" in text
        assert "today so far 100" in text

    def test_health_says_what_is_missing(self, admin: Client) -> None:
        text = admin.get("/ops/").text
        assert "never seen" in text
        assert "nothing is trained" in text

    @pytest.mark.parametrize(
        ("path", "most"), [("/ops/", 22), ("/ops/kpis/ctr/?days=365", 12), ("/ops/retention/", 10)]
    )
    def test_queries_do_not_grow(
        self, path: str, most: int, admin: Client, days: None, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(most):
            assert admin.get(path).status_code == 200

    def test_pages_hold_no_inline_script_or_style_and_are_not_cached(
        self, admin: Client, days: None
    ) -> None:
        for path in ("", "kpis/ctr/", "retention/", "models/", "alerts/", "viewer/", "content/"):
            answer = admin.get(f"/ops/{path}")
            assert answer.status_code == 200, path
            assert "<style" not in answer.text
            assert " style=" not in answer.text
            assert "<script>" not in answer.text
            assert "no-store" in answer["Cache-Control"]


class TestKpi:
    def test_chart_and_table_have_the_same_days(self, admin: Client, days: None) -> None:
        answer = admin.get("/ops/kpis/ctr/?days=14&segment=age:18-24")
        chart = answer.context["chart"]
        assert len(chart["values"]) == 14
        assert chart["values"][-2:] == [pytest.approx(69.9), pytest.approx(70.0)]
        assert chart["complete"][-2:] == [True, False]
        assert "69.9 %" in answer.text
        assert "not complete" in answer.text

    def test_file_is_what_is_shown(self, admin: Client, days: None) -> None:
        lines = admin.get("/ops/kpis/dau/?days=14&format=csv").text.splitlines()
        assert lines[0] == "day,segment,dau,is_complete"
        assert lines[-1].endswith(",all,100,0")

    def test_unknown_kpi_is_not_found(self, admin: Client) -> None:
        assert admin.get("/ops/kpis/nonsense/").status_code == 404

    def test_unknown_segment_shows_all(self, admin: Client, days: None) -> None:
        assert admin.get("/ops/kpis/ctr/?segment=%00").context["segment"] == "all"


def test_retention_leaves_open_days_empty(admin: Client, days: None) -> None:
    rows = admin.get("/ops/retention/").context["rows"]
    assert rows[0].cells[0] == (1, "", -1)
    assert rows[2].cells[:2] == [(1, "41", 4), (2, "", -1)]  # 40 of 98
    new = admin.get("/ops/retention/?cohort=new").context["rows"]
    assert new[2].cells[0] == (1, "40", 4)


class TestModels:
    @pytest.fixture(autouse=True)
    def _versions(self) -> None:
        for _ in range(3):
            promote_artifact(make_artifact())

    def of(self, alias: str) -> Artifact:
        return Artifact.objects.get(alias=alias)

    def test_two_versions_stand_side_by_side(self, admin: Client) -> None:
        one, other = self.of("production"), self.of("previous")
        text = admin.get(f"/ops/models/?one={one.pk}&other={other.pk}").text
        assert f"{one} and {other}" in text

    def test_rollback_asks_then_serves_the_version_before(self, admin: Client) -> None:
        before = self.of("previous")
        assert "Roll back to" in admin.get(f"/ops/models/{FAMILY}/rollback").text

        admin.post(f"/ops/models/{FAMILY}/rollback", {"reason": "clicks fell"})

        assert self.of("production") == before
        assert LogEntry.objects.get().change_message == "serves: clicks fell"

    def test_promotion_needs_a_reason(self, admin: Client) -> None:
        serving, other = self.of("production"), self.of("previous")
        admin.post(f"/ops/models/{other.pk}/promote", {"reason": " "})
        assert self.of("production") == serving
        admin.post(f"/ops/models/{other.pk}/promote", {"reason": "better"})
        assert self.of("production") == other

    def test_analyst_sees_no_button(self, client: Client) -> None:
        client.force_login(make_user())
        assert "Promote" not in client.get("/ops/models/").text


class TestInspectors:
    def ask(self, admin: Client, path: str, **given: str) -> Any:
        return admin.post(f"/ops/{path}/", given)

    def test_looking_at_a_stranger_changes_nothing(self, admin: Client) -> None:
        make_content("v1")
        answer = self.ask(admin, "viewer", user_id="nobody")
        assert "Never heard of" in answer.text
        assert [slot.known.content_id for slot in answer.context["feeds"][0].trace.slots] == ["v1"]
        assert not Viewer.objects.exists()
        assert not Slate.objects.exists()
        assert not Event.objects.exists()

    def test_other_parameters_stand_beside(self, admin: Client) -> None:
        for i in range(4):
            make_content(f"v{i}", "bob")
        answer = self.ask(admin, "viewer", user_id="alice", parameters="feed.default_limit: 1")
        one, other = answer.context["feeds"]
        assert (len(one.trace.slots), len(other.trace.slots)) == (4, 1)

    @pytest.mark.parametrize("text", ["feed.nonsense: 1", "no colon", "feed.creator_cap: 0"])
    def test_bad_parameters_are_named(self, text: str, admin: Client) -> None:
        answer = self.ask(admin, "viewer", user_id="alice", parameters=text)
        assert answer.context["error"]
        assert len(answer.context["feeds"]) == 1

    def test_content_that_is_shown_and_one_that_is_removed(self, admin: Client) -> None:
        shown, removed = make_content("v1"), make_content("v2")
        removed.status = "removed"
        removed.changed_ms += 1
        removed.save()
        said = self.ask(admin, "content", content_id="v1", user_id="alice").context["funnel"]
        assert (said.fate.step, said.fate.place) == ("shown", 1)
        assert [is_in for _, _, is_in in said.steps] == [True] * 4
        answer = self.ask(admin, "content", content_id="v2", user_id="alice")
        assert "removed by servable" in answer.text
        assert shown.pk != removed.pk

    def test_content_is_followed_through_the_pages_of_a_sample(self, admin: Client) -> None:
        make_content("v1")
        send(make_event(content_id="v1", at_ms=now_ms() - 1000), now_ms=now_ms())
        answer = self.ask(admin, "content", content_id="v1", sample="on")
        assert answer.context["reach"].sample == 1
        assert "In the pages of 1 viewer" in answer.text
        assert "reach" not in self.ask(admin, "content", content_id="v1").context

    def test_unknown_content_is_said(self, admin: Client) -> None:
        assert "There is no content v9" in self.ask(admin, "content", content_id="v9").text


class TestAlerts:
    def test_rule_is_made_silenced_and_its_alert_acknowledged(self, admin: Client) -> None:
        fields = {"name": "mine", "metric": "dau", "kind": "threshold", "direction": "below"}
        fields |= {
            "threshold": "5",
            "relative": "0",
            "minimum_volume": "1",
            "ticks": "1",
            "is_active": "on",
        }
        assert admin.post("/ops/alerts/rules/new", fields).status_code == 302
        rule = AlertRule.objects.get(name="mine")
        alert = Alert.objects.create(rule=rule, opened_ms=1, value=3, expected=5)

        admin.post(f"/ops/alerts/rules/{rule.pk}/silence", {"hours": "8"})
        admin.post(f"/ops/alerts/{alert.pk}/acknowledge")

        alert.refresh_from_db()
        text = admin.get("/ops/alerts/").text
        assert "silent until" in text
        assert alert.acknowledged_by is not None
        assert "ada" in text

    def test_bad_rule_is_shown_again(self, admin: Client) -> None:
        answer = admin.post("/ops/alerts/rules/new", {"name": "mine", "metric": "nonsense"})
        assert answer.status_code == 422

    def test_odd_hours_are_refused(self, admin: Client) -> None:
        rule = AlertRule.objects.create(name="r", metric="dau", kind="missing")
        admin.post(f"/ops/alerts/rules/{rule.pk}/silence", {"hours": "5"})
        rule.refresh_from_db()
        assert rule.silenced_until_ms == 0


def test_auc_of_each_version_is_drawn(admin: Client) -> None:
    artifact = make_artifact()
    numbers = {"long_view auc": 0.71, "production long_view auc": 0.7, "long_view log_loss": 0.5}
    artifact.gates = [{"gate": "heads", "state": "passed", "reason": "", "numbers": numbers}]
    artifact.save()
    chart = admin.get("/ops/models/").context["auc"]
    assert chart["lines"] == [{"label": "long_view auc", "values": [0.71]}]
