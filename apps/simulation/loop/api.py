"""The public REST API as an app calls it, over any transport."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from apps.core.errors import RecsysError

Send = Callable[[str, str, bytes], tuple[int, bytes]]  # method, path, body → status, body
_BATCH = 500


class ApiError(RecsysError):
    """The API did not do what it was asked."""


class Page(NamedTuple):
    """One page of a feed."""

    content_ids: list[str]
    request_id: str
    cursor: str | None
    degraded: list[str]


class Taken(NamedTuple):
    """What became of a batch of events."""

    accepted: int
    duplicates: int


class Api:
    """The calls that virtual viewers and creators make."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def feed(self, user_id: str, **asked: Any) -> Page:
        """Return a page; what is asked but None is left out."""
        given = {name: value for name, value in asked.items() if value is not None}
        answer = self._call("GET", f"feed?{urlencode({'user_id': user_id, **given})}")
        return Page(
            [item["content_id"] for item in answer["items"]],
            answer["request_id"],
            answer["next_cursor"],
            answer["degraded"],
        )

    def post_events(self, events: Sequence[dict[str, Any]]) -> Taken:
        """Send events; a refused one is an error: these viewers send none that are wrong."""
        accepted = duplicates = 0
        for start in range(0, len(events), _BATCH):
            answer = self._call("POST", "events", events[start : start + _BATCH])
            if answer["rejected"]:
                raise ApiError(f"events were refused: {answer['rejected'][:2]}")
            accepted, duplicates = accepted + answer["accepted"], duplicates + answer["duplicates"]
        return Taken(accepted, duplicates)

    def upload(self, rows: Sequence[dict[str, Any]]) -> None:
        """Create contents."""
        for start in range(0, len(rows), _BATCH):
            answer = self._call("POST", "content/batch", rows[start : start + _BATCH])
            if answer["rejected"]:
                raise ApiError(f"contents were refused: {answer['rejected'][:2]}")

    def put_user(self, user_id: str, user: dict[str, Any]) -> None:
        """Create a user."""
        self._call("PUT", f"users/{user_id}", user)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        status, answer = self._send(method, f"/api/v1/{path}", data)
        if not 200 <= status < 300:
            raise ApiError(f"{method} {path}: {status} {answer[:300]!r}")
        return json.loads(answer) if answer else None
