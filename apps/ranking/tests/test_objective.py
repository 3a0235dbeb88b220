"""The objective: what a term adds, which weights may be, and which version holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client

from apps.ranking.models import ObjectiveVersion
from apps.ranking.objective import DEFAULTS, Objective, WeightsError, checked
from apps.ranking.selectors import objective
from apps.ranking.services import activate_objective, add_objective
from apps.ranking.types import SELECT, Head

ADD = "/admin/ranking/objectiveversion/add/"
LIST = "/admin/ranking/objectiveversion/"


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mo"))
    return client


class TestAdds:
    def test_a_head_adds_its_weight_times_how_far_it_is_from_its_mean(self) -> None:
        # select: 1 · .4 / .2 = 2; like: .5 · (.03 / .02 − 1) = .25; skip: −.1 · (.9 / .3 − 1) = −.2
        weights = {SELECT: 1.0, Head.LIKE: 0.5, Head.SKIP: -0.1}
        predicted = {SELECT: 0.4, Head.LIKE: 0.03, Head.SKIP: 0.9}
        means = {SELECT: 0.2, Head.LIKE: 0.02, Head.SKIP: 0.3}
        adds = Objective(weights).adds({k: np.array([v]) for k, v in predicted.items()}, means)
        assert {k: round(float(v[0]), 9) for k, v in adds.items()} == {
            SELECT: 2.0,
            Head.LIKE: 0.25,
            Head.SKIP: -0.2,
        }

    def test_on_average_select_adds_its_weight_and_a_head_nothing(self) -> None:
        p = {SELECT: np.array([0.1, 0.3]), Head.LIKE: np.array([0.01, 0.05])}
        means = {name: float(values.mean()) for name, values in p.items()}
        adds = Objective({SELECT: 1.0, Head.LIKE: 0.2}).adds(p, means)
        assert adds[SELECT].mean() == pytest.approx(1.0)
        assert adds[Head.LIKE].mean() == pytest.approx(0.0)

    def test_heads_count_as_far_as_they_are_trusted_and_select_whole(self) -> None:
        p = {SELECT: np.array([0.4]), Head.LIKE: np.array([0.03])}
        objective, means = Objective({SELECT: 1.0, Head.LIKE: 0.5}), {SELECT: 0.2, Head.LIKE: 0.02}
        adds = objective.adds(p, means, trust=0.2)
        assert adds[SELECT][0] == pytest.approx(2.0)
        assert adds[Head.LIKE][0] == pytest.approx(0.05)

    def test_terms_without_a_weight_are_not_asked(self) -> None:
        assert Objective({SELECT: 1.0, Head.LIKE: 0.0, Head.HIDE: -0.1}).heads == (Head.HIDE,)

    def test_a_head_that_never_happened_cannot_rule(self) -> None:
        p = {SELECT: np.array([0.5]), Head.REPORT: np.array([1e-6])}
        adds = Objective({SELECT: 1.0, Head.REPORT: -1.0}).adds(p, {SELECT: 0.5, Head.REPORT: 1e-9})
        assert -0.01 < float(adds[Head.REPORT][0]) <= 0

    def test_an_answer_that_is_no_number_adds_nothing(self) -> None:
        p = {SELECT: np.array([0.5]), Head.SKIP: np.array([np.nan])}
        adds = Objective({SELECT: 1.0, Head.SKIP: -0.1}).adds(p, {SELECT: 0.5, Head.SKIP: 0.3})
        assert adds[Head.SKIP].tolist() == [0.0]


class TestChecked:
    def test_weights_built_in_may_be(self) -> None:
        assert checked(DEFAULTS) == DEFAULTS

    def test_zeros_are_left_out(self) -> None:
        assert checked({SELECT: 1, Head.LIKE: 0}) == {SELECT: 1.0}

    @pytest.mark.parametrize(
        ("weights", "about"),
        [
            ({}, "select"),
            ({SELECT: 0.0}, "select"),
            ({SELECT: 1.0, "likes": 1.0}, "likes"),
            ({SELECT: 1.0, Head.LIKE: math.nan}, "like"),
            ({SELECT: 1.0, Head.LIKE: math.inf}, "like"),
            ({SELECT: 1.0, Head.LIKE: 10.5}, "like"),
            ({SELECT: 1.0, Head.LIKE: "1"}, "like"),
            ({SELECT: 1.0, Head.LIKE: True}, "like"),
            ({SELECT: 1.0, Head.SKIP: 0.1}, "skip"),
        ],
    )
    def test_others_are_refused_by_name(self, weights: dict, about: str) -> None:
        with pytest.raises(WeightsError, match=f"^{about}:"):
            checked(weights)


@pytest.mark.django_db
class TestVersions:
    def test_weights_built_in_hold_at_first(self) -> None:
        assert objective() == Objective(DEFAULTS, 0)

    def test_the_active_version_holds_and_an_older_one_can_again(self) -> None:
        old = add_objective({SELECT: 1.0, Head.LIKE: 0.2}, reason="likes", activate=True)
        new = add_objective({SELECT: 1.0, Head.SAVE: 0.2}, reason="saves", activate=True)
        assert objective() == Objective({SELECT: 1.0, Head.SAVE: 0.2}, new.pk)
        activate_objective(old)
        assert objective() == Objective({SELECT: 1.0, Head.LIKE: 0.2}, old.pk)
        activate_objective(None)
        assert objective().version == 0

    def test_a_version_that_is_not_activated_changes_nothing(self) -> None:
        add_objective({SELECT: 1.0, Head.LIKE: 0.2}, reason="later")
        assert objective().version == 0

    def test_there_is_never_a_second_active_one(self) -> None:
        add_objective({SELECT: 1.0}, reason="one", activate=True)
        with pytest.raises(IntegrityError):
            ObjectiveVersion.objects.create(weights={SELECT: 1.0}, reason="two", is_active=True)

    def test_weights_that_cannot_be_are_not_stored(self) -> None:
        with pytest.raises(ValidationError, match="no such term"):
            add_objective({SELECT: 1.0, "fun": 1.0}, reason="fun")
        assert not ObjectiveVersion.objects.exists()


class TestAdmin:
    def test_form_starts_from_what_holds(self, staff: Client) -> None:
        page = staff.get(ADD).content.decode()
        assert f'name="skip" value="{DEFAULTS[Head.SKIP]}"' in page

    def test_numbers_become_a_version_that_holds(self, staff: Client) -> None:
        form = {"select": "1", "like": "0.25", "reason": "more likes", "activate": "on"}
        assert staff.post(ADD, form).status_code == 302
        stored = ObjectiveVersion.objects.get()
        assert stored.weights == {SELECT: 1.0, Head.LIKE: 0.25}
        assert stored.author == User.objects.get()
        assert objective().version == stored.pk

    def test_error_stands_beside_its_number(self, staff: Client) -> None:
        form = {"select": "1", "skip": "0.5", "like": "0.25", "reason": "oops"}
        page = staff.post(ADD, form)
        assert page.status_code == 200
        assert "skip" in page.context["adminform"].form.errors
        assert not ObjectiveVersion.objects.exists()

    def test_older_version_is_activated_from_the_list(self, staff: Client) -> None:
        old = add_objective({SELECT: 1.0}, reason="old", activate=True)
        add_objective({SELECT: 2.0}, reason="new", activate=True)
        staff.post(LIST, {"action": "activate", "_selected_action": [old.pk]})
        assert objective().version == old.pk

    def test_list_goes_back_to_what_is_built_in(self, staff: Client) -> None:
        held = add_objective({SELECT: 2.0}, reason="new", activate=True)
        staff.post(LIST, {"action": "go_back_to_built_in", "_selected_action": [held.pk]})
        assert objective().version == 0

    def test_a_version_is_shown_and_never_changed(self, staff: Client) -> None:
        version = add_objective({SELECT: 2.0, Head.SKIP: -0.5}, reason="why")
        page = f"{LIST}{version.pk}/change/"
        assert "select 2, skip -0.5" in staff.get(page).content.decode()
        assert staff.post(page, {"select": "9", "reason": "x"}).status_code == 403
        assert staff.post(f"{LIST}{version.pk}/delete/").status_code == 403
