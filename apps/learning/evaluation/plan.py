"""What is asked of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.content.types import Catalog
from apps.learning.conf import TrainingParams
from apps.learning.evaluation.earlier import Earlier
from apps.learning.evaluation.ranking import Recommend
from apps.learning.training import Say


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of an evaluation."""

    catalog: Catalog
    params: TrainingParams
    recommend: Recommend
    ks: Sequence[int]
    say: Say
    earlier: Earlier | str = "not asked for"
    curve: bool = False  # judge models of less of the past too
