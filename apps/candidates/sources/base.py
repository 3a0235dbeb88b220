"""What all sources have in common."""

from __future__ import annotations

from dataclasses import dataclass

from apps.candidates.types import Request
from apps.core.pipeline import Scores, Source


class Proposer:
    """A source whose quota stands under its name in the parameters."""

    __slots__ = ()
    name: str

    def quota(self, request: Request) -> int:
        """Return how many candidates it may propose."""
        return request.params.quotas.get(self.name, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A source that proposes as many as a pipeline asks for, whatever the parameters say."""

    source: Source[Request]
    most: int

    @property
    def name(self) -> str:
        """The source's own name."""
        return self.source.name

    def quota(self, request: Request) -> int:
        """Return how many candidates it may propose."""
        return self.most

    def __call__(self, request: Request) -> Scores | None:
        """Return the source's scores."""
        return self.source(request)
