"""What the API of moderation takes and says."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from apps.profiles.types import PublicId

Words = Annotated[str, Meta(min_length=1, max_length=5000)]
Reason = Literal[
    "hate",
    "harassment",
    "violence",
    "sexual",
    "minors",
    "self-harm",
    "spam",
    "rights",
    "illegal",
]


class NoticeIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A notice of content that may be illegal (DSA art. 16)."""

    content_id: PublicId
    reason: Reason
    explanation: Words
    good_faith: Literal[True]
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""


class NoticeOut(msgspec.Struct, frozen=True):
    """What became of a notice."""

    notice_id: str
    content_id: str
    status: Literal["received", "decided"]
    received_at: datetime
    outcome: Literal["", "upheld", "rejected"]
    decided_at: datetime | None


class StatementOut(msgspec.Struct, frozen=True):
    """A statement of reasons (DSA art. 17)."""

    statement_id: str
    content_id: str
    restriction: str
    facts: str
    ground: Literal["terms", "law"]
    reference: str
    automated_detection: bool
    automated_decision: bool
    created_at: datetime
    appeal_until: datetime
    is_undone: bool
    redress: str


class HeldOut(msgspec.Struct, frozen=True):
    """Why a content waits for a decision, its reach limited meanwhile (DSA art. 17)."""

    since: datetime
    category: str  # code of the clause, as in notices; "other" where it is none
    reason: str
    restriction: str
    ground: Literal["terms", "law"]
    reference: str
    due_at: datetime  # by when a person is to decide
    # Nothing but the screening holds contents.
    automated_detection: Literal[True] = True
    automated_decision: Literal[True] = True


class StatementList(msgspec.Struct, frozen=True):
    """The statements about one content, the latest first, and whether it is held now."""

    items: list[StatementOut]
    held: HeldOut | None


class AppealIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A complaint against a statement of reasons (DSA art. 20)."""

    statement_id: Annotated[str, Meta(min_length=36, max_length=36)]
    text: Words


class AppealOut(msgspec.Struct, frozen=True):
    """What became of an appeal."""

    appeal_id: str
    statement_id: str
    status: Literal["open", "upheld", "overturned"]
    received_at: datetime
    answer: str
    decided_at: datetime | None
