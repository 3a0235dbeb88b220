"""An operator sets a plan up and sees what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from apps.federation.models import Plan, Round
from apps.federation.tasks import advance
from apps.federation.tests.devices import enter, make_plan, pass_time, step

pytestmark = pytest.mark.django_db

FORM = {
    "name": "phones", "is_active": "on", "least": 3, "most": 10, "clip": 1, "noise": 3,
    "local_rate": 0.2, "local_steps": 1, "epsilon": 8, "delta": 1e-5, "join_minutes": 60,
    "step_minutes": 5,
}  # fmt: skip


def add(client: Any, **given: Any) -> str:
    answer = client.post(reverse("admin:federation_plan_add"), {**FORM, **given})
    return "" if answer.status_code == 302 else answer.content.decode()


def test_worker_opens_a_round_once_a_plan_is_active(admin_client: Any) -> None:
    advance()
    assert not Round.objects.exists()

    assert not add(admin_client)
    advance()

    assert Round.objects.get().config["least"] == 3


@pytest.mark.parametrize(
    "given", [{"least": 2}, {"least": 11}, {"noise": 0}, {"delta": 0}, {"epsilon": -1}]
)
def test_plan_that_protects_nobody_or_cannot_be_met_is_refused(
    admin_client: Any, given: Any
) -> None:
    assert "errorlist" in add(admin_client, **given)
    assert not Plan.objects.exists()


def test_second_active_plan_is_refused(admin_client: Any) -> None:
    make_plan()

    assert "errorlist" in add(admin_client)


def test_pages_tell_rounds_models_and_what_was_spent(admin_client: Any, api: Any) -> None:
    make_plan()
    phones = enter(api, 4)
    for _ in range(3):
        step(phones)
        pass_time()

    pages = {
        name: admin_client.get(reverse(f"admin:federation_{name}_changelist")).content.decode()
        for name in ("plan", "round", "globalmodel")
    }
    assert "1.39 at 1e-05" in pages["plan"]
    assert "closed" in pages["round"]
    assert "category_taste" in pages["globalmodel"]


def test_worker_writes_nothing_where_nobody_trains(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2) as asked:
        advance()
    assert all(query["sql"].startswith("SELECT") for query in asked.captured_queries)
