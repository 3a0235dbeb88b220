"""Cohen's κ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from apps.moderation.algorithms.agreement import cohens_kappa

labels = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40
)


def test_kappa_of_a_hand_worked_example() -> None:
    # p_o = 3/4; p_e = (2/4)(3/4) + (2/4)(1/4) = 1/2; κ = (3/4 − 1/2) / (1/2) = 1/2
    assert cohens_kappa(["r", "r", "n", "n"], ["r", "r", "r", "n"]) == pytest.approx(0.5)


def test_nothing_judged_has_no_kappa_and_one_label_full_agreement() -> None:
    assert cohens_kappa([], []) is None
    assert cohens_kappa(["r", "r"], ["r", "r"]) == 1.0
    with pytest.raises(ValueError, match="1 and 0"):
        cohens_kappa(["r"], [])


@settings(max_examples=40, deadline=None)
@given(labels.filter(lambda rows: len({label for row in rows for label in row}) > 1))
def test_kappa_is_that_of_scikit_learn_and_symmetric(rows: list[tuple[str, str]]) -> None:
    first, second = [r[0] for r in rows], [r[1] for r in rows]

    kappa = cohens_kappa(first, second)

    assert kappa == pytest.approx(cohen_kappa_score(first, second))
    assert kappa == pytest.approx(cohens_kappa(second, first))
    assert -1 <= kappa <= 1
