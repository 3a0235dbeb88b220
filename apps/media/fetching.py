"""Fetch a file that a client names by its address, from the storage of the app and nowhere else."""

from __future__ import annotations

import http.client
import time
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.errors import RecsysError
from apps.core.outbound import ForbiddenAddressError, connected
from apps.media.conf import FETCH_SECONDS, FETCH_WAIT_SECONDS

_CHUNK_BYTES = 64 * 1024
_LATER = {408, 425, 429}  # beside 5xx: asking again may help


class FetchError(RecsysError):
    """The file was not fetched; `is_final` where trying again is of no use."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


def is_allowed(url: str) -> bool:
    """Return whether the address is of an origin that `RECSYS_MEDIA_ORIGINS` lists."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no number
    except ValueError:
        return False
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin in settings.MEDIA_ORIGINS and url.isascii() and url.isprintable()


def fetch(url: str, into: IO[bytes], *, most_bytes: int) -> int:
    """Write the file at the address into `into` and return its size; raises `FetchError`.

    Redirects are not followed. An origin listed as `http://` is inside the operator's network; one
    listed as `https://` must have public addresses.
    """
    if not is_allowed(url):
        raise FetchError("its origin is not listed", is_final=True)
    is_inside = url.lower().startswith("http://")
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        with connected(url, allows_private=is_inside, timeout=FETCH_WAIT_SECONDS) as (wire, target):
            wire.request("GET", target, headers={"Accept-Encoding": "identity"})
            return _read(wire.getresponse(), into, most_bytes, deadline)
    except ForbiddenAddressError as error:
        raise FetchError(str(error), is_final=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"{type(error).__name__}: {error}") from error


def _read(
    answer: http.client.HTTPResponse, into: IO[bytes], most_bytes: int, deadline: float
) -> int:
    if answer.status != 200:
        is_final = answer.status < 500 and answer.status not in _LATER
        raise FetchError(f"the storage answered {answer.status}", is_final=is_final)
    n_bytes = 0
    while chunk := answer.read1(_CHUNK_BYTES):
        n_bytes += len(chunk)
        if n_bytes > most_bytes:
            raise FetchError(f"it is over {most_bytes} bytes", is_final=True)
        if time.monotonic() > deadline:
            raise FetchError(f"it took over {FETCH_SECONDS} s")
        into.write(chunk)
    if answer.length:  # of what was announced, this much is missing
        raise FetchError(f"{answer.length} bytes are missing")
    return n_bytes
