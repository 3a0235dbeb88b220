"""What is asked of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    others: Mapping[str, Recommend] = field(default_factory=dict)  # other orders by the same models
    earlier: Earlier | str = "not asked for"
    curve: bool = False  # judge models of less of the past too
