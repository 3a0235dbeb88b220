"""MovieLens (GroupLens): `ratings.csv` with `movies.csv` and `tags.csv`, or `u.data`, `u.item`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from apps.content.types import ContentMetadata, ContentRow
from apps.events.importers.base import (
    ImportFormatError,
    Row,
    checked,
    find_files,
    rating_events,
    read_table,
    records,
)

_YEAR = re.compile(r"\((\d{4})\)\s*$")
_GENRES_100K = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


class MovieLens:
    """Reads one MovieLens release; a film is a content, a rating a view."""

    def __init__(self, paths: list[Path]) -> None:
        self._movies = pd.DataFrame(columns=["movieId", "title", "genres"])
        self._tags = pd.DataFrame(columns=["movieId", "tag"])
        ratings = None
        for path in find_files(paths):
            name = path.name.removesuffix(".gz")
            if name == "ratings.csv":
                ratings, self._place = read_table(path), path.name
            elif name == "movies.csv":
                self._movies = read_table(path)
            elif name == "tags.csv":
                self._tags = read_table(path)
            elif name == "u.data":
                columns = ["userId", "movieId", "rating", "timestamp"]
                ratings, self._place = read_table(path, sep="\t", names=columns), path.name
            elif name == "u.item":
                self._movies = _movies_100k(path)
        if ratings is None:
            raise ImportFormatError("no MovieLens ratings: expected ratings.csv or u.data")
        self._ratings = ratings.reset_index(names="line").sort_values("timestamp", kind="stable")
        self.n_rows = len(self._ratings)

    def contents(self) -> Iterator[ContentRow]:
        """Yield the films with title, genres and the three commonest tags of viewers."""
        common = self._tags.groupby("movieId")["tag"].agg(
            lambda t: list(t.value_counts().index[:3])
        )
        for movie in records(self._movies):
            yield _content(movie, common.get(movie["movieId"], []))

    def events(self, start: int) -> Iterator[tuple[int, list[Row]]]:
        """Yield ratings in time order."""
        for number, row in enumerate(records(self._ratings.iloc[start:]), start):
            place = f"{self._place} line {row['line'] + 2}"
            yield number, checked(place, lambda row=row: _events(row))  # type: ignore[misc]


def _events(row: dict[str, Any]) -> list[Row]:
    at_ms = int(row["timestamp"]) * 1000
    user_id, content_id = str(int(row["userId"])), str(int(row["movieId"]))
    return rating_events(user_id, content_id, float(row["rating"]), at_ms)


def _content(movie: dict[str, Any], tags: list[str]) -> ContentRow:
    title = str(movie["title"])
    genres = [g for g in str(movie["genres"]).split("|") if g and not g.startswith("(")]
    year = _YEAR.search(title)
    return ContentRow(
        content_id=str(movie["movieId"]),
        # MovieLens names no makers; a maker for each film keeps them apart.
        creator_id=f"film-{movie['movieId']}",
        upload_timestamp=datetime(int(year[1]) if year else 1970, 1, 1, tzinfo=UTC),
        metadata=ContentMetadata(
            description=title,
            category=genres[0] if genres else None,
            tags=(genres + [str(t)[:64] for t in tags])[:50],
        ),
    )


def _movies_100k(path: Path) -> pd.DataFrame:
    columns = ["movieId", "title", "released", "video", "url", *_GENRES_100K]
    table = pd.read_csv(path, sep="|", names=columns, encoding="latin-1")
    flags = table[_GENRES_100K].to_numpy(bool)
    table["genres"] = [
        "|".join(g for g, on in zip(_GENRES_100K, row, strict=True) if on) for row in flags
    ]
    return table[["movieId", "title", "genres"]]
