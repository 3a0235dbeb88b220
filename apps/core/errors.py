"""The errors that this project raises on purpose."""

from __future__ import annotations


class RecsysError(Exception):
    """Base of every domain error."""


class Problem(RecsysError):  # noqa: N818  named as in RFC 9457
    """An anticipated failure of a request, told to the client as RFC 9457 problem+json."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}
