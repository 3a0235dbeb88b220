"""Learning the screening from labelled files and from decisions."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core import live
from apps.core.artifacts import folder_of
from apps.core.models import Artifact
from apps.moderation import screening, training
from apps.moderation.tests.corpus import corpus
from apps.moderation.tests.factories import make_case, make_decision, make_user

pytestmark = pytest.mark.django_db


def write(path: Path, header: list[str], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_command_learns_from_files(tmp_path: Path) -> None:
    tweets, spam = tmp_path / "tweets.csv", [tmp_path / "a.csv", tmp_path / "b.csv"]
    texts, is_bad = corpus(seed=0)
    write(
        tweets,
        ["class", "tweet"],
        [(int(not b) * 2, t) for t, b in zip(texts, is_bad, strict=True)],
    )
    for seed, path in enumerate(spam):
        texts, is_bad = corpus(seed=seed)
        write(
            path,
            ["CONTENT", "CLASS"],
            [(t, int(b)) for t, b in zip(texts, is_bad, strict=True)],
        )
    out = StringIO()

    call_command("train_screening", tweets=tweets, spam=spam, stdout=out)

    assert "offensive: review from" in out.getvalue()
    production = screening.production()
    assert production is not None
    assert sorted(production.classifiers) == ["offensive", "spam"]
    folder = folder_of("screening", Artifact.objects.get().uuid)
    (folder / "spam.npz").write_bytes(b"nonsense")
    live.reset_all()
    assert screening.production() is None  # damaged weights screen nothing


def test_moderators_teach_by_their_decisions() -> None:
    mo = make_user()
    for i in range(12):
        words = "gibberish blather" if i % 2 else "lovely sunshine"
        case = make_case(f"v{i}", description=f"{words} number {i}")
        make_decision("remove" if i % 2 else "none", case=case, user=mo)

    taught = training.read_decisions("offensive")
    made = training.train_all(tweets=None, spam=[], decisions={"offensive": taught})

    bad, good = made["offensive"].scores(["gibberish blather", "lovely sunshine"])
    assert bad > good


def test_wrong_file_and_nothing_are_refused_by_name(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")

    with pytest.raises(CommandError, match=r"wrong.csv: no rows with the columns"):
        call_command("train_screening", tweets=wrong)
    with pytest.raises(CommandError, match="nothing to learn from"):
        call_command("train_screening")
