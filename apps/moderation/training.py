"""Learn the screening of texts from labeled files and from what moderators decided."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core.artifacts import publish_artifact
from apps.core.errors import RecsysError
from apps.core.models import Artifact
from apps.moderation.algorithms.innocent import INNOCENT
from apps.moderation.algorithms.obfuscation import disguise
from apps.moderation.algorithms.text_classifier import TextClassifier, calibrated, learn
from apps.moderation.conf import CATEGORY_CLAUSE
from apps.moderation.models import Action, Decision
from apps.moderation.screening import FAMILY, write_classifiers
from apps.moderation.services.cases import text_of

_DISGUISED = 0.15  # share of the texts that are learned in disguise as well
_PLAIN_TEXTS = 1000  # of other corpora that spam is learned against
_HELD_OUT = 0.2  # of an ordered corpus, its latest


class TrainingError(RecsysError):
    """A file cannot be read as what it was said to be."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labeled texts in order."""

    texts: list[str]
    is_bad: NDArray[np.bool_]  # [n]
    is_certain: NDArray[np.bool_]  # [n] the label is beyond doubt: all annotators agree

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, rows: slice) -> Corpus:
        """Return some of it, in order."""
        return Corpus(self.texts[rows], self.is_bad[rows], self.is_certain[rows])

    @staticmethod
    def joined(parts: Sequence[Corpus]) -> Corpus:
        """Return all parts as one."""
        return Corpus(
            [text for part in parts for text in part.texts],
            np.concatenate([part.is_bad for part in parts]),
            np.concatenate([part.is_certain for part in parts]),
        )


def read_tweets(path: Path) -> Corpus:
    """Read offensive-or-hateful against neither, columns `class` (0, 1 bad, 2 not) and `tweet`.

    Certain where no annotator of `count` saw it differently (columns as in Davidson et al. 2017).
    """
    rows = _rows(path, {"class", "tweet"})
    votes = [int(row.get("neither", 0)) in {0, int(row.get("count", 0))} for row in rows]
    return Corpus(
        [row["tweet"] for row in rows],
        np.array([row["class"] in {"0", "1"} for row in rows], np.bool_),
        np.array(votes, np.bool_),
    )


def read_spam(path: Path) -> Corpus:
    """Read spam against not, columns `CONTENT` and `CLASS` (1 spam), as UCI's YouTube comments."""
    rows = _rows(path, {"CONTENT", "CLASS"})
    is_spam = np.array([row["CLASS"] == "1" for row in rows], np.bool_)
    return Corpus([row["CONTENT"] for row in rows], is_spam, np.ones(len(rows), np.bool_))


def read_decisions(category: str) -> Corpus:
    """Return the texts that moderators decided on: removed for the category's clause, or let be.

    Those that were undone and those that a machine decided teach nothing.
    """
    clause = CATEGORY_CLAUSE[category]
    decided = Decision.objects.filter(is_automated=False, undone_ms=None).select_related("content")
    rows = [
        (text_of(d.content), d.reason == clause)
        for d in decided.order_by("pk")
        if d.reason == clause or d.action == Action.NONE
    ]
    rows = [row for row in rows if row[0].strip()]
    is_bad = np.array([bad for _, bad in rows], np.bool_)
    return Corpus([text for text, _ in rows], is_bad, np.ones(len(rows), np.bool_))


def train_ordered(parts: Sequence[Corpus]) -> TextClassifier:
    """Learn one category from the earlier parts, and calibrate on the last one."""
    *learned, held_out = parts
    draft = _learned(Corpus.joined(learned))
    margins = draft.margins(held_out.texts)
    return calibrated(draft, margins, held_out.is_bad, held_out.is_certain)


def train_files(parts: Sequence[Corpus], *, more: Corpus) -> TextClassifier:
    """Learn one category from all parts, and calibrate on each by a model of the others.

    `more` is learned from in any case and calibrates nothing. For corpora of several sources, each
    too small to be spared.
    """
    margins = [
        _learned(Corpus.joined([more, *parts[:i], *parts[i + 1 :]])).margins(part.texts)
        for i, part in enumerate(parts)
    ]
    every = Corpus.joined(parts)
    draft = _learned(Corpus.joined([more, every]))
    return calibrated(draft, np.concatenate(margins), every.is_bad, every.is_certain)


def _learned(corpus: Corpus) -> TextClassifier:
    """Learn from texts, and from some of them in disguise as well.

    Of both classes: being disguised alone proves nothing.
    """
    rng = random.Random(0)  # noqa: S311  nothing secret
    extra = [i for i in range(len(corpus)) if rng.random() < _DISGUISED]
    texts = [*corpus.texts, *(disguise(corpus.texts[i], rng, share=0.4) for i in extra)]
    return learn(texts, np.concatenate([corpus.is_bad, corpus.is_bad[extra]]))


def ordered_parts(corpus: Corpus) -> list[Corpus]:
    """Return the earlier and the latest part of a corpus in order of time."""
    cut = int(len(corpus) * (1 - _HELD_OUT))
    return [corpus.part(slice(cut)), corpus.part(slice(cut, None))]


def train_all(
    *, tweets: Corpus | None, spam: Sequence[Corpus], decisions: dict[str, Corpus]
) -> dict[str, TextClassifier]:
    """Learn every category that there is something to learn from.

    Decisions of moderators join what is learned, not what is calibrated on.
    """
    made: dict[str, TextClassifier] = {}
    nothing = _clean([])
    if tweets is not None:
        taught = decisions.get("offensive", nothing)
        made["offensive"] = train_ordered([_clean(INNOCENT), taught, *ordered_parts(tweets)])
    if spam:
        parts = list(spam) if len(spam) > 1 else ordered_parts(spam[0])
        plain = _clean(_plain_texts(tweets) if tweets else [])
        taught = decisions.get("spam", nothing)
        made["spam"] = train_files(parts, more=Corpus.joined([plain, taught]))
    for category, corpus in decisions.items():
        if category not in made and corpus.is_bad.any() and not corpus.is_bad.all():
            made[category] = train_ordered(ordered_parts(corpus))
    if not made:
        raise TrainingError("nothing to learn from: give --tweets, --spam or --decisions")
    return made


def publish(classifiers: dict[str, TextClassifier], facts: dict[str, Any]) -> Artifact:
    """Store the classifiers as an artifact that was tried in a child process, and let it serve."""

    def write(folder: Path) -> dict[str, Any]:
        write_classifiers(folder, classifiers)
        zones = {name: list(c.zones) for name, c in classifiers.items()}
        return {**facts, "zones": zones}

    return publish_artifact(FAMILY, write)


def _plain_texts(tweets: Corpus) -> list[str]:
    """Return tweets that are no spam, as they are not offensive either."""
    earlier = ordered_parts(tweets)[0]
    plain = [t for t, bad in zip(earlier.texts, earlier.is_bad, strict=True) if not bad]
    return plain[:_PLAIN_TEXTS]


def _clean(texts: Sequence[str]) -> Corpus:
    n = len(texts)
    return Corpus(list(texts), np.zeros(n, np.bool_), np.ones(n, np.bool_))


def _rows(path: Path, needed: set[str]) -> list[dict[str, str]]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text.lstrip(), newline="")))
    missing = needed - set(rows[0] if rows else ())
    if missing:
        raise TrainingError(f"{path.name}: no rows with the columns {', '.join(sorted(missing))}")
    return rows
