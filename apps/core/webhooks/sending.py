"""Send one message to an endpoint."""

from __future__ import annotations

from django.conf import settings

from apps.core.outbound import connected

TIMEOUT_SECONDS = 5.0


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Send and return the status; redirects are not followed, the answer's body is not read.

    Raises `ForbiddenAddressError`, OSError or http.client.HTTPException.
    """
    with connected(url, allows_private=settings.WEBHOOK_PRIVATE, timeout=TIMEOUT_SECONDS) as (
        connection,
        target,
    ):
        connection.request("POST", target, body, headers)
        return connection.getresponse().status
