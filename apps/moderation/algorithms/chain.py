"""The hash chain of the audit log: no entry can be changed, dropped or moved unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

GENESIS = "0" * 64


class Link(NamedTuple):
    """One entry with what chains it."""

    body: dict[str, Any]
    previous: str  # digest of the entry before
    digest: str


def digest(body: dict[str, Any], previous: str) -> str:
    """Return hex SHA-256 of the previous digest and the body as JSON with sorted keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def first_break(links: Iterable[Link]) -> int | None:
    """Return the index of the first entry that does not fit, None where all do. O(n).

    What was cut off at the end cannot be seen from the rest: keep the last digest elsewhere.
    """
    previous = GENESIS
    for index, link in enumerate(links):
        if link.previous != previous or link.digest != digest(link.body, previous):
            return index
        previous = link.digest
    return None
