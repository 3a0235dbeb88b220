"""The version that serves, judged beside the one that is trained."""

from __future__ import annotations

from typing import Any

import pytest

from apps.learning.bundle import Bundle
from apps.learning.evaluation.earlier import Earlier
from apps.learning.evaluation.plan import Plan
from apps.learning.evaluation.protocols import evaluate
from apps.learning.evaluation.report import as_markdown
from apps.learning.evaluation.splits import folds
from apps.learning.tests.evaluation.factories import CATALOG, LOG, Asked
from apps.learning.tests.factories import PARAMS
from apps.learning.training import train_all

pytestmark = pytest.mark.django_db


class TestLastProduction:
    def judged_beside(self, until_ms: int, protocol: str = "temporal") -> dict[str, Any]:
        part = next(folds(LOG, CATALOG, "temporal")).part
        trained = train_all(part.past, CATALOG, PARAMS, version="v", say=lambda _: None)
        bundle = Bundle("bundle-7", trained.retrieval, trained.rankers, trained.encoder)
        earlier = Earlier(bundle, until_ms)
        plan = Plan(CATALOG, PARAMS, Asked(), (5,), say=lambda _: None, earlier=earlier)
        return evaluate(LOG, plan, protocol=protocol)

    def test_version_that_ends_before_the_cut_stands_in_every_table(self) -> None:
        cut = next(folds(LOG, CATALOG, "temporal")).part.at_ms
        report = self.judged_beside(cut - 1)
        assert report["last_production"] == "bundle-7"
        assert report["ranking"]["last_production"] == report["ranking"]["production"]
        assert report["paired"]["last_production"]["value"] == 0
        assert "long_view" in report["scoring"]["last_production"]

    def test_version_that_has_seen_the_future_is_left_out_and_that_is_said(self) -> None:
        cut = next(folds(LOG, CATALOG, "temporal")).part.at_ms
        report = self.judged_beside(cut)
        assert report["last_production"] == "bundle-7 was trained on this future: it is not judged"
        assert "last_production" not in report["ranking"]
        assert "last_production" not in report["scoring"]
        assert "it is not judged" in as_markdown(report)

    def test_version_is_judged_chunk_by_chunk_too(self) -> None:
        cut = next(folds(LOG, CATALOG, "temporal")).part.at_ms
        scoring = self.judged_beside(cut - 1, "prequential")["scoring"]
        assert scoring["last_production"]["like"]["auc"] == scoring["frozen"]["like"]["auc"]

    def test_version_that_knows_the_held_out_viewers_is_left_out(self) -> None:
        report = self.judged_beside(0, "kfold")
        assert "knows the held-out viewers" in report["last_production"]
        assert "last_production" not in report["scoring"]
