"""What all sources have in common."""

from __future__ import annotations

from apps.candidates.types import Request


class Proposer:
    """A source whose quota stands under its name in the parameters."""

    __slots__ = ()
    name: str

    def quota(self, request: Request) -> int:
        """Return how many candidates it may propose."""
        return request.params.quotas.get(self.name, 0)
