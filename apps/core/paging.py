"""Pages of tables that are too large to count."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator

MAX_PAGES = 100  # further back one filters


class UncountedPaginator(Paginator):
    """A paginator that looks for rows of its first `MAX_PAGES` pages and counts no further."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most those of `MAX_PAGES` pages."""
        rows: Any = self.object_list
        return int(rows.order_by()[: MAX_PAGES * self.per_page].count())
