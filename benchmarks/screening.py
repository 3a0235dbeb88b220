"""How well the screening of texts works, on texts that it never saw.

Offensive or hateful against neither: the tweets in order, learned and calibrated on the first 85 %,
judged on the rest. Spam: file by file, the last one judged. The obfuscation suite disguises the
words that make a tweet offensive, by tweets that every annotator found offensive; clean texts are
those that every annotator found neither, the comments that are no spam, and words that only look
bad.

    python benchmarks/screening.py --data DIR [--json FILE]
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
from sklearn.metrics import f1_score

from apps.moderation.algorithms.normalize import normalize
from apps.moderation.algorithms.obfuscation import disguise
from apps.moderation.algorithms.text_classifier import TextClassifier
from apps.moderation.training import Corpus, read_spam, read_tweets, train_all
from benchmarks.common import parser, report

_INNOCENT = (
    "Scunthorpe United won again",
    "A class assassin in the grass",
    "My cocktail party in Essex",
    "The cockpit of the plane was hot",
    "Shuttlecocks and dickeys at Lightwater station",
    "Analysis of the arsenal of therapists",
    "Penistone and Clitheroe are nice towns",
    "Night raccoons pass the bass",
    "Matsushita makes good speakers",
    "He basically assumed the title of the assignment",
    "Cassandra embarrassed the bassoonist",
    "Lasses from Assisi trespass on the terrace",
    "A weathercock and a titmouse in the attic",
    "Titchfield, Cockermouth and Sussex by bus",
    "The snigglers fish for eel at night",
)
_DISGUISED_WORDS = 60  # the words that speak most for the category


def flagged(classifier: TextClassifier, texts: list[str]) -> np.ndarray:
    """Return bool[n]: in review or block."""
    return classifier.scores(texts) >= classifier.zones.review


def worst_words(classifier: TextClassifier) -> frozenset[str]:
    """Return the single words with the highest weights."""
    weight = dict(zip(classifier.words, classifier.weights, strict=False))
    ranked = sorted((w for w in weight if " " not in w), key=lambda w: -weight[w])
    return frozenset(ranked[:_DISGUISED_WORDS])


def suite_of(test: Corpus, words: frozenset[str]) -> list[str]:
    """Return the certainly offensive texts with those of the words that they have in disguise."""
    rng = random.Random(1)
    made = []
    for text, bad, certain in zip(test.texts, test.is_bad, test.is_certain, strict=True):
        if bad and certain:
            hidden = disguise(text, rng, only=words)
            if hidden != " ".join(text.split()):
                made.append(hidden)
    return made


def main() -> None:
    """Measure and report."""
    args = parser(__doc__)
    args.add_argument("--data", type=Path, required=True)
    given = args.parse_args()
    tweets = read_tweets(next(given.data.glob("tweets*.csv.gz")))
    files = [read_spam(path) for path in sorted(given.data.glob("Youtube*.csv"))]
    cut = int(len(tweets) * 0.85)
    test, spam_test = tweets.part(slice(cut, None)), files[-1]
    start = time.perf_counter()
    made = train_all(tweets=tweets.part(slice(cut)), spam=files[:-1], decisions={})
    seconds = time.perf_counter() - start
    offensive, spam = made["offensive"], made["spam"]
    suite = suite_of(test, worst_words(offensive))
    certain = ~test.is_bad & test.is_certain
    clean = [t for t, is_one in zip(test.texts, certain, strict=True) if is_one]
    ham = [t for t, bad in zip(spam_test.texts, spam_test.is_bad, strict=True) if not bad]
    start = time.perf_counter()
    is_offensive = flagged(offensive, test.texts)
    per_second = len(test) / (time.perf_counter() - start)
    figures = {
        "offensive_f1": f1_score(test.is_bad, is_offensive),
        "spam_f1": f1_score(spam_test.is_bad, flagged(spam, spam_test.texts)),
        "obfuscation_recall": float(flagged(offensive, suite).mean()),
        "clean_flagged": float(
            np.concatenate([flagged(offensive, [*clean, *_INNOCENT]), flagged(spam, ham)]).mean()
        ),
        "clean_offensive_flagged": float(flagged(offensive, clean).mean()),
        "innocent_flagged": int(flagged(offensive, list(_INNOCENT)).sum()),
        "ham_flagged_as_spam": float(flagged(spam, ham).mean()),
        "plain_recall": float(is_offensive[test.is_bad & test.is_certain].mean()),
        "offensive_blocked": float((offensive.scores(test.texts) >= offensive.zones.block).mean()),
        "suite_size": len(suite),
        "texts_per_second": per_second,
        "training_seconds": seconds,
    }
    for text, score in zip(_INNOCENT, offensive.scores(list(_INNOCENT)), strict=True):
        if score >= offensive.zones.review:
            print(f"  innocent, but flagged: {text} {offensive.grounds(text)}")
    report("screening of texts", figures, given.json)
    missed = [t for t, hit in zip(suite, flagged(offensive, suite), strict=True) if not hit]
    for text in missed[: int(os.environ.get("SHOW_MISSED", "0"))]:
        print("  missed:", normalize(text))


if __name__ == "__main__":
    main()
