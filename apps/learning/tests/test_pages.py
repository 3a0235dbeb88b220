"""The registry of features, before and after a training."""

from __future__ import annotations

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.candidates.tests.factories import make_models
from apps.features import encoding
from apps.features.definitions import GROUPS, NAMES
from apps.learning.bundle import Bundle
from apps.learning.pages import feature_groups, head_gain
from apps.ranking.tests.factories import make_rankers

pytestmark = pytest.mark.django_db
ADDRESS = "/ops/features/"


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mo"))
    return client


class TestView:
    @pytest.mark.parametrize("is_staff", [None, False])
    def test_others_than_staff_are_sent_to_the_login(self, is_staff: bool | None) -> None:
        client = Client()
        if is_staff is not None:
            client.force_login(User.objects.create_user("alice"))
        answer = client.get(ADDRESS)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")

    def test_shows_every_feature_with_its_description(self, staff: Client) -> None:
        text = staff.get(ADDRESS).text
        assert all(f"<code>{name}</code>" in text for name in NAMES)
        assert all(group.owner in text for group in GROUPS)
        assert "No model is trained yet" in text

    def test_takes_no_writes(self, staff: Client) -> None:
        assert staff.post(ADDRESS).status_code == 405

    def test_holds_no_inline_script_or_style_and_is_not_cached(self, staff: Client) -> None:
        answer = staff.get(ADDRESS)
        assert "style=" not in answer.text
        assert "<style" not in answer.text
        assert "<script>" not in answer.text
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]


class TestFeatureGroups:
    FEATURES = np.random.default_rng(0).normal(size=(500, len(NAMES))).astype(np.float32)

    def test_gain_of_the_groups_is_the_gain_of_their_features(self) -> None:
        bundle = Bundle("bundle-1", make_models(3), make_rankers(), encoding.fit(self.FEATURES))
        groups = feature_groups(bundle)
        gains = {row.feature.name: row.head_gain for g in groups for row in g.rows}
        # One learned head: its shares are those of its own model.
        assert gains == pytest.approx(head_gain(bundle.rankers))
        assert sum(g.head_gain or 0 for g in groups) == pytest.approx(1)
        # What sources say of a candidate has a part of the select ranker's gain as well.
        assert 0 < sum(g.select_gain or 0 for g in groups) <= 1

    def test_distribution_is_that_of_the_encoder(self) -> None:
        bundle = Bundle("bundle-1", make_models(3), make_rankers(), encoding.fit(self.FEATURES))
        rows = [row for g in feature_groups(bundle) for row in g.rows]
        assert [row.trained_on for row in rows] == list(bundle.encoder.describe().values())

    def test_before_training_only_the_definitions_are_known(self) -> None:
        rows = [row for g in feature_groups(None) for row in g.rows]
        assert [row.feature.name for row in rows] == list(NAMES)
        assert all(row.trained_on is row.select_gain is row.head_gain is None for row in rows)
