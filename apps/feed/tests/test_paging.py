"""Pages of a scroll: what comes next, and what is ranked again."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import now_ms


@pytest.fixture
def _catalog(db: None) -> None:
    rows = [
        ContentRow(f"v{i}", f"c{i}", metadata=ContentMetadata(category="pets")) for i in range(12)
    ]
    upsert_contents(rows, now_ms=now_ms() - 60_000)


def page(api: Any, **query: Any) -> tuple[list[str], list[int], str]:
    answer = api.get("feed", user_id="alice", **query).json()
    items = answer["items"]
    return [i["content_id"] for i in items], [i["position"] for i in items], answer["next_cursor"]


@pytest.mark.usefixtures("_catalog", "still")
class TestUnseen:
    def test_unseen_contents_are_ranked_again_at_their_positions(self, api: Any) -> None:
        first, _, cursor = page(api, limit=4)
        again, positions, _ = page(api, limit=4, cursor=cursor, unseen=3)
        assert positions == [1, 2, 3, 4]
        assert again[:3] == first[1:]

    def test_what_was_shown_before_a_replaced_page_does_not_come_again(self, api: Any) -> None:
        first, _, cursor = page(api, limit=4)
        second, _, cursor = page(api, limit=4, cursor=cursor, unseen=3)
        third, _, _ = page(api, limit=12, cursor=cursor)
        assert set(third).isdisjoint({first[0], *second})
        assert len(third) == 12 - 5

    def test_a_hidden_creator_is_gone_from_what_is_ranked_again(self, api: Any) -> None:
        first, _, cursor = page(api, limit=4)
        api.post("events", {"type": "hide", "user_id": "alice", "content_id": first[1]})
        again, _, _ = page(api, limit=11, cursor=cursor, unseen=3)
        assert first[1] not in again

    def test_the_same_cursor_gives_the_same_page_again(self, api: Any) -> None:
        _, _, cursor = page(api, limit=4)
        assert page(api, limit=4, cursor=cursor)[:2] == page(api, limit=4, cursor=cursor)[:2]

    def test_cards_name_the_category(self, api: Any) -> None:
        answer = api.get("feed", user_id="alice", explain=1).json()
        assert answer["items"][0]["content"]["category"] == "pets"
