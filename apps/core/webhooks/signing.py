"""The signature of a webhook: `Webhook-Signature: t=SECONDS,v1=HEX`."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, body: bytes, *, at_seconds: int) -> str:
    """Return the header: hex HMAC-SHA256 over "t.body", so that an old message shows its age."""
    signed = f"{at_seconds}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={at_seconds},v1={digest}"


def is_genuine(
    header: str, secret: str, body: bytes, *, now_seconds: int, tolerance_seconds: int = 300
) -> bool:
    """Say whether the header signs this body and is no older than the tolerance.

    What a receiver does; the tests do it too.
    """
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at_text = parts.get("t", "")
    if not at_text.isdecimal() or abs(now_seconds - int(at_text)) > tolerance_seconds:
        return False
    expected = signature(secret, body, at_seconds=int(at_text))
    return hmac.compare_digest(expected, f"t={at_text},v1={parts.get('v1', '')}")
