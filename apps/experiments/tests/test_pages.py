"""The pages: what staff sees, sets up, starts and stops."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.content.tests.factories import NOW_MS, make_content
from apps.core.clock import now_ms
from apps.events.tests.factories import make_event, send
from apps.experiments.models import Experiment, Override
from apps.experiments.services import judge
from apps.experiments.tests.factories import make_draft, make_layer, make_running
from apps.experiments.tests.test_judging import expose

pytestmark = pytest.mark.django_db
ADDRESS = "/ops/experiments/"


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mo"))
    return client


def form(**given: Any) -> dict[str, Any]:
    """Return what the browser sends for a new experiment."""
    fields: dict[str, Any] = {
        "key": "cap",
        "hypothesis": "More creators.",
        "kind": "split",
        "layer": make_layer().pk,
        "reserved": 5000,
        "primary_metric": "watch_seconds",
        "minimum_effect": "0.02",
        "guardrails": ["skip_rate"],
        "form-TOTAL_FORMS": 3,
        "form-INITIAL_FORMS": 2,
        "form-0-name": "control",
        "form-0-weight": 1,
        "form-0-parameters": "",
        "form-1-name": "one",
        "form-1-weight": 1,
        "form-1-parameters": "feed.creator_cap: 1",
        "form-2-name": "",
        "form-2-weight": 1,
        "form-2-parameters": "",
    }
    return {**fields, **given}


class TestAccess:
    PLACES = ("", "new", "cap/", "cap/edit")

    @pytest.mark.parametrize("place", PLACES)
    def test_others_than_staff_are_sent_to_the_login(self, place: str) -> None:
        make_draft()
        answer = Client().get(ADDRESS + place)
        assert (answer.status_code, answer["Location"][:13]) == (302, "/admin/login/")

    @pytest.mark.parametrize("place", PLACES)
    def test_pages_hold_no_inline_style_or_script(self, staff: Client, place: str) -> None:
        make_draft()
        answer = staff.get(ADDRESS + place)
        assert answer.status_code == 200
        assert "style=" not in answer.text
        assert "<style" not in answer.text
        assert "<script>" not in answer.text
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.parametrize("action", ["start", "ramp", "stop", "judge", "force"])
    def test_changes_need_a_post_with_a_csrf_token(self, action: str) -> None:
        make_draft()
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(User.objects.create_superuser("mo"))
        assert strict.get(f"{ADDRESS}cap/{action}").status_code == 405
        assert strict.post(f"{ADDRESS}cap/{action}", {"ramp": 100}).status_code == 403
        assert Experiment.objects.get().status == "draft"


class TestEdit:
    def test_new_experiment_is_stored_as_typed(self, staff: Client) -> None:
        answer = staff.post(ADDRESS + "new", form())
        assert (answer.status_code, answer["Location"]) == (302, ADDRESS + "cap/")
        experiment = Experiment.objects.get()
        assert experiment.guardrails == ["skip_rate"]
        variants = {v.name: v.parameters for v in experiment.variants.order_by("position")}
        assert variants == {"control": {}, "one": {"feed.creator_cap": 1}}

    def test_new_form_has_a_layer_and_guardrails(self, staff: Client) -> None:
        make_layer()
        page = staff.get(ADDRESS + "new").text
        assert page.count("checked") == 3
        assert "selected>default</option>" in page

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("feed.creator_kap: 3", "There is no parameter"),
            ("feed.creator_cap: three", "expected int"),
            ("feed.creator_cap: 0", "expected 1 to 50"),
            ("feed.creator_cap 3", "has no colon"),
        ],
    )
    def test_bad_parameters_come_back_with_a_reason(
        self, staff: Client, line: str, message: str
    ) -> None:
        answer = staff.post(ADDRESS + "new", form(**{"form-1-parameters": line}))
        assert answer.status_code == 422
        assert message in answer.text
        assert line in answer.text
        assert not Experiment.objects.exists()

    def test_draft_can_be_changed_and_a_running_one_cannot(self, staff: Client) -> None:
        make_draft()
        changed = {"form-1-parameters": "feed.creator_cap: 4"}
        assert staff.post(ADDRESS + "cap/edit", form(**changed)).status_code == 302
        staff.post(ADDRESS + "cap/start", {"ramp": 100})
        answer = staff.post(ADDRESS + "cap/edit", form())
        assert answer.status_code == 422
        assert "Only a draft" in answer.text
        assert Experiment.objects.get().variants.get(name="one").parameters == {
            "feed.creator_cap": 4
        }


class TestActions:
    def test_start_ramp_and_stop(self, staff: Client) -> None:
        make_draft()
        staff.post(ADDRESS + "cap/start", {"ramp": 100})
        assert staff.post(ADDRESS + "cap/ramp", {"ramp": 2500}, follow=True).status_code == 200
        experiment = Experiment.objects.get()
        assert (experiment.status, experiment.ramp) == ("running", 2500)
        assert "is stopped" in staff.post(ADDRESS + "cap/stop", follow=True).text
        assert Experiment.objects.get().stop_reason == "by mo"

    @pytest.mark.parametrize("ramp", ["", "x", "0", "99999"])
    def test_bad_ramp_is_refused_in_words(self, staff: Client, ramp: str) -> None:
        make_draft()
        assert (
            'class="notice error"'
            in staff.post(ADDRESS + "cap/start", {"ramp": ramp}, follow=True).text
        )
        assert Experiment.objects.get().status == "draft"

    def test_override_is_set_and_taken_back(self, staff: Client) -> None:
        make_running()
        staff.post(ADDRESS + "cap/force", {"user_id": "alice", "variant": "one"})
        assert Override.objects.get().variant.name == "one"
        staff.post(ADDRESS + "cap/force", {"user_id": "alice", "variant": ""})
        assert not Override.objects.exists()


class TestResults:
    def test_intervals_are_drawn_and_the_numbers_stand_beside(self, staff: Client) -> None:
        experiment = make_running()
        halves = expose(experiment, 20)
        make_content("v1")
        users = [f"viewer{i}" for i in range(20)]
        send(
            *(
                make_event(at_ms=NOW_MS + i, user_id=u, watch_duration=3.0 + i, event_id=f"e{i}")
                for i, u in enumerate(users)
            ),
            now_ms=NOW_MS + 1000,
        )
        found = judge(experiment, now_ms=NOW_MS + 5000)
        page = staff.get(ADDRESS + "cap/").text
        assert page.count('<svg class="interval"') == len(found.comparisons) > 0
        assert f"{found.comparisons[0].control:.3f}" in page
        assert "Data until" in page
        assert f"control: {len(halves['control'])} viewers" in page

    def test_interleaving_has_a_page_before_and_after_it_is_judged(self, staff: Client) -> None:
        experiment = make_running(kind="interleaving")
        assert "Interleaving" in staff.get(ADDRESS + "cap/").text
        judge(experiment, now_ms=NOW_MS + 5000)
        assert "Collecting: 0 viewers" in staff.get(ADDRESS + "cap/").text
        assert "Collecting: 0 viewers" in staff.get(ADDRESS).text

    def test_withheld_verdict_is_an_alert_and_names_no_winner(self, staff: Client) -> None:
        experiment = make_running()
        expose(experiment, 20)
        judge(experiment, now_ms=NOW_MS + 5000)
        report = {**Experiment.objects.get().report, "is_withheld": True, "verdict": "Withheld"}
        Experiment.objects.update(report=report)
        page = staff.get(ADDRESS + "cap/").text
        assert 'role="alert">Withheld' in page
        assert 'class="better"' not in page


class TestCalculator:
    ASKED = {"metric": "watch_seconds", "effect": "0.05", "traffic": "0.5", "power": "0.8"}

    def test_still_log_says_so(self, staff: Client) -> None:
        assert "too still to say" in staff.get(ADDRESS, self.ASKED).text

    def test_plan_is_made_of_the_log(self, staff: Client) -> None:
        make_content("v1")
        now = now_ms()
        send(
            *(
                make_event(
                    at_ms=now - 1000 - i, user_id=f"u{i}", watch_duration=5.0 + i, event_id=f"e{i}"
                )
                for i in range(10)
            ),
            now_ms=now,
        )
        # Watch 5…14 s: mean 9.5, deviation 3.03. 4·2.8016²·9.1667/(.05·9.5)² = 1275.6
        page = staff.get(ADDRESS, self.ASKED).text
        assert ">1276</td>" in page

    def test_bad_numbers_are_refused(self, staff: Client) -> None:
        page = staff.get(ADDRESS, {**self.ASKED, "effect": "-1"}).text
        assert "greater than or equal to" in page
