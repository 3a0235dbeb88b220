"""Which reading of texts finds what a viewer watches next: TF-IDF and its plane, or word vectors.

Films of MovieLens by title and genres (DIR), and the contents of this installation where it has
some (`manage.py seed_demo`), by descriptions and tags alone. A viewer is the mean of the vectors
of the last 20 contents they liked before the one that is looked for, which is the last they liked
(test) or the one before (validation; choose by this one). Figures: recall@50 and the mean
reciprocal rank among all contents they had not met, popularity for comparison, and the paired
differences from `lsa` with 95 % intervals over viewers. `comments`: MovieLens' free tags as
comments, at weights 0.15 to 1; who wrote any is not asked.

    python benchmarks/texts.py --movielens DIR [--json FILE]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.candidates.conf import ContentParams
from apps.candidates.embedder import Known, fit_embedder
from apps.content import selectors as content
from apps.content.selectors import Described
from apps.events import selectors as events
from apps.features.history import event_weights
from benchmarks.common import parser, report

HISTORY = 20
AT = 50
PARTS = {"validation": 2, "test": 1}  # which liked content is looked for, from the end
Vectors = NDArray[np.float32]


class Texts(NamedTuple):
    """Contents, and what viewers met and liked of them, in time order."""

    known: list[Described | None]
    met: list[NDArray[np.int64]]  # a viewer
    liked: list[NDArray[np.int64]]


def movielens(folder: Path) -> tuple[Texts, list[int]]:
    """Return films with comments, and which viewers wrote none."""
    films = pd.read_csv(folder / "movies.csv")
    ratings = pd.read_csv(folder / "ratings.csv.gz").sort_values("timestamp", kind="stable")
    tags = pd.read_csv(folder / "tags.csv")
    row_of = {film: row for row, film in enumerate(films["movieId"])}
    said = tags.groupby("movieId")["tag"].agg(list).to_dict()
    known: list[Described | None] = [
        Described(
            f"{film.title} {film.genres.replace('|', ' ')}",
            [],
            "",
            None,
            None,
            comments=[str(tag) for tag in said.get(film.movieId, [])],
        )
        for film in films.itertuples()
    ]
    met, liked, quiet = [], [], []
    for n, (viewer, mine) in enumerate(ratings.groupby("userId")):
        rows = mine["movieId"].map(row_of).to_numpy(np.int64)
        met.append(rows)
        liked.append(rows[mine["rating"].to_numpy() >= 4])
        if viewer not in set(tags["userId"]):
            quiet.append(n)
    return Texts(known, met, liked), quiet


def installed() -> Texts | None:
    """Return the contents of this installation and their log, None without any."""
    catalog = content.current_catalog()
    if not len(catalog):
        return None
    known = [
        one and one._replace(category="")
        for part in content.described(catalog.content_pk)
        for one in part
    ]
    log = events.log(catalog)
    log = log.take((log.content >= 0) & (log.viewer >= 0))
    is_long = event_weights(log, catalog)[2]
    order = np.argsort(log.viewer, kind="stable")
    edges = np.flatnonzero(np.diff(log.viewer[order])) + 1
    met, liked = [], []
    for mine in np.split(order, edges):
        met.append(_first(log.content[mine]))
        liked.append(_first(log.content[mine[is_long[mine]]]))
    return Texts(known, met, liked)


def _first(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return distinct rows in the order of their first appearance."""
    _, at = np.unique(rows, return_index=True)
    return rows[np.sort(at)]


def text_vectors(known: list[Described | None], params: ContentParams) -> Vectors:
    """Return the text block of contents."""

    def describe(pks: NDArray[np.int64]) -> Iterator[Known]:
        yield [known[pk] for pk in pks.tolist()]

    pks = np.arange(len(known))
    embedder = fit_embedder(pks, describe, params, seed=7)
    return embedder.all_blocks(pks, describe)["text"]


def ranks(
    texts: Texts, asked: list[int], back: int, score: Callable[[NDArray[np.int64]], Vectors]
) -> NDArray[np.int64]:
    """Return the place of what each viewer liked next, from 0; ties count half."""
    found = []
    for viewer in asked:
        liked = texts.liked[viewer]
        if len(liked) < back + 2:
            continue
        target, history = liked[-back], liked[:-back][-HISTORY:]
        met = texts.met[viewer]
        before = met[: int(np.flatnonzero(met == target)[0])]
        scores = score(history)
        scores[before[before != target]] = -np.inf
        mine = scores[target]
        found.append(int((scores > mine).sum() + (scores == mine).sum() // 2))
    return np.array(found, np.int64)


def by_text(vectors: Vectors) -> Callable[[NDArray[np.int64]], Vectors]:
    """Return scores by the cosine with the mean of a history."""
    return lambda history: vectors @ vectors[history].mean(axis=0)


def by_popularity(texts: Texts) -> Callable[[NDArray[np.int64]], Vectors]:
    """Return scores by how many viewers liked a content, all the time."""
    counts = np.zeros(len(texts.known), np.float32)
    for liked in texts.liked:
        counts[np.unique(liked[:-2])] += 1
    return lambda _: counts.copy()


def measured(
    name: str, texts: Texts, asked: list[int], ways: dict[str, ContentParams]
) -> dict[str, float]:
    """Return the figures of one data set."""
    scorers = {way: by_text(text_vectors(texts.known, params)) for way, params in ways.items()}
    scorers["popular"] = by_popularity(texts)
    figures: dict[str, float] = {}
    rng = np.random.default_rng(0)
    for part, back in PARTS.items():
        hits = {}
        for way, score in scorers.items():
            place = ranks(texts, asked, back, score)
            hits[way] = place < AT
            figures[f"{name}_{part}_{way}_recall"] = float(hits[way].mean())
            figures[f"{name}_{part}_{way}_mrr"] = float((1 / (1 + place)).mean())
        base = next(iter(scorers))
        for way in list(ways)[1:]:
            gain = hits[way].astype(float) - hits[base]
            draws = gain[rng.integers(0, len(gain), (1000, len(gain)))].mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975])
            figures[f"{name}_{part}_{way}_gain_low"] = float(low)
            figures[f"{name}_{part}_{way}_gain_high"] = float(high)
        figures[f"{name}_{part}_viewers"] = len(hits[base])
    return figures


def main() -> None:
    """Measure and report."""
    args = parser(__doc__)
    args.add_argument("--movielens", type=Path, required=True)
    given = args.parse_args()
    ways = {
        f"{text}{width}": ContentParams(text=text, text_width=width, comments_weight=0.0)
        for text in ("lsa", "words")
        for width in (32, 64)
    }
    films, quiet = movielens(given.movielens)
    silent = films._replace(known=[one and one._replace(comments=()) for one in films.known])
    figures = measured("movielens", silent, list(range(len(films.met))), ways)
    if (own := installed()) is not None:
        figures |= measured("installed", own, list(range(len(own.met))), ways)
    comments = {
        f"comments{weight}": ContentParams(comments_weight=weight)
        for weight in (0.0, 0.15, 0.3, 0.6, 1.0)
    }
    figures |= measured("films_with_comments", films, quiet, comments)
    report("texts", figures, given.json)


if __name__ == "__main__":
    main()
