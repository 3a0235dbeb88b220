"""The admin: what it shows, what it refuses, and how many queries a page takes."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.candidates.sources import SOURCE_NAMES
from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.types import ContentRow
from apps.core.models import ApiKey, Artifact, Lease
from apps.events.models import Event, ImportCheckpoint, Slate
from apps.events.types import EventType
from apps.features.models import Session, Watermark
from apps.feed.admin import sources_of
from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.profiles.services import ensure_viewers

AT_MS = 1_767_225_600_000


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mo"))
    return client


def make_rows(n: int, tag: str) -> None:
    ids = [f"{tag}{i}" for i in range(n)]
    upsert_contents([ContentRow(i, f"c{i}") for i in ids], now_ms=AT_MS)
    viewers = list(ensure_viewers(ids).values())
    contents = Content.objects.filter(content_id__in=ids).order_by("id")
    for viewer, content in zip(viewers, contents, strict=True):
        Event.objects.create(
            event_key=uuid.uuid4(),
            kind=EventType.VIEW,
            viewer_id=viewer,
            content=content,
            creator_id=content.creator_id,
            occurred_ms=AT_MS,
            received_ms=AT_MS,
        )
        make_slate(viewer, content.pk)
        Session.objects.create(
            viewer_id=viewer,
            started_ms=AT_MS,
            ended_ms=AT_MS + 1500,
            n_events=1,
            n_views=1,
            n_engagements=0,
            watch_ms=1500,
        )
        CreatorRelation.objects.create(
            viewer_id=viewer, creator_id=content.creator_id, kind=1, changed_ms=AT_MS
        )


def make_slate(viewer: int, content: int) -> Slate:
    return Slate.objects.create(
        id=uuid.uuid4(),
        viewer_id=viewer,
        feed_session=uuid.uuid4(),
        served_ms=AT_MS,
        first_position=4,
        ranker="rank_fusion",
        content_pks=np.array([content], "<i8").tobytes(),
        scores=np.array([0.25], "<f4").tobytes(),
        sources=np.array([0b101], "<u4").tobytes(),
        propensities=np.ones(1, "<f4").tobytes(),
        features=b"",
    )


def path_of(model: Any, page: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"


def n_queries(staff: Client, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert staff.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize(
    "model", [Event, Content, Viewer, Slate, Session, CreatorRelation, Creator]
)
def test_a_list_takes_as_many_queries_with_50_rows_as_with_5(staff: Client, model: Any) -> None:
    make_rows(5, "a")
    staff.get(path_of(model))  # content types are cached from here on
    few = n_queries(staff, path_of(model))
    make_rows(45, "b")
    assert n_queries(staff, path_of(model)) == few


ALL = [ApiKey, Artifact, Lease, Viewer, Creator, CreatorRelation, Content, Event, Slate]


@pytest.mark.parametrize("model", [*ALL, ImportCheckpoint, Session, Watermark])
def test_every_model_has_a_list_that_can_be_searched(staff: Client, model: Any) -> None:
    assert staff.get(path_of(model), {"q": "alice 12"}).status_code == 200


@pytest.mark.parametrize(
    "model", [Event, Slate, Session, Content, Viewer, CreatorRelation, Creator]
)
def test_every_row_can_be_opened(staff: Client, model: Any) -> None:
    make_rows(1, "a")
    row = model.objects.get()
    assert staff.get(path_of(model, f"{row.pk}/change/")).status_code == 200


@pytest.mark.parametrize("model", [Event, Slate, Session])
class TestAppendOnly:
    def test_rows_cannot_be_added(self, staff: Client, model: Any) -> None:
        assert staff.get(path_of(model, "add/")).status_code == 403

    def test_rows_cannot_be_deleted(self, staff: Client, model: Any) -> None:
        make_rows(1, "a")
        path = path_of(model, f"{model.objects.get().pk}/delete/")
        assert staff.post(path, {"post": "yes"}).status_code == 403


class TestSlate:
    def test_slots_are_unpacked(self, staff: Client) -> None:
        make_rows(1, "a")
        text = staff.get(path_of(Slate, f"{Slate.objects.get().pk}/change/")).text
        assert "a0" in text
        assert f"{SOURCE_NAMES[0]}, {SOURCE_NAMES[2]}" in text

    def test_a_source_that_is_gone_is_named_by_its_bit(self) -> None:
        assert sources_of(1 << 30) == ["source 30"]


class TestViewer:
    def test_is_found_by_the_user_id_of_the_app(self, staff: Client) -> None:
        alice = ensure_viewers(["alice", "bob"])["alice"]
        text = staff.get(path_of(Viewer), {"q": "alice"}).text
        assert f"/viewer/{alice}/change/" in text
        assert "1 viewer" in text


class TestEvent:
    def test_is_found_by_content(self, staff: Client) -> None:
        make_rows(3, "a")
        assert "1 event" in staff.get(path_of(Event), {"q": "a1"}).text


class TestContent:
    def test_is_hidden_and_shown_again_by_actions(self, staff: Client) -> None:
        make_rows(1, "a")
        content = Content.objects.get()
        chosen = {"_selected_action": [content.pk]}
        staff.post(path_of(Content), {"action": "hide", **chosen})
        content.refresh_from_db()
        assert content.status == "hidden"
        staff.post(path_of(Content), {"action": "show_again", **chosen})
        content.refresh_from_db()
        assert content.status == "active"

    def test_what_moderation_removed_is_not_shown_again(self, staff: Client) -> None:
        make_rows(1, "a")
        Content.objects.update(status="removed")
        chosen = {"_selected_action": [Content.objects.get().pk]}
        staff.post(path_of(Content), {"action": "show_again", **chosen})
        assert Content.objects.get().status == "removed"


class TestApiKey:
    def add(self, staff: Client) -> Any:
        form = {"name": "app", "scopes": ["feed:read"], "expires_at_0": "", "expires_at_1": ""}
        return staff.post(path_of(ApiKey, "add/"), form, follow=True)

    def test_the_plain_key_is_shown_once_and_works(self, staff: Client) -> None:
        text = self.add(staff).text
        plain = text.partition("not shown again: ")[2].split("<")[0].strip()
        headers = {"authorization": f"Bearer {plain}"}
        assert Client().get("/api/v1/feed?user_id=alice", headers=headers).status_code == 200
        assert plain not in staff.get(path_of(ApiKey)).text

    def test_the_digest_is_never_shown(self, staff: Client) -> None:
        self.add(staff)
        key = ApiKey.objects.get()
        assert key.digest not in staff.get(path_of(ApiKey, f"{key.pk}/change/")).text

    def test_a_key_is_revoked_by_an_action(self, staff: Client) -> None:
        self.add(staff)
        key = ApiKey.objects.get()
        staff.post(path_of(ApiKey), {"action": "revoke", "_selected_action": [key.pk]})
        key.refresh_from_db()
        assert key.revoked_at is not None


class TestCreatorRelation:
    def test_a_change_by_hand_is_the_latest_one(self, staff: Client) -> None:
        make_rows(1, "a")
        relation = CreatorRelation.objects.get()
        form = {"viewer": relation.viewer_id, "creator": relation.creator_id, "kind": 3}
        staff.post(path_of(CreatorRelation, f"{relation.pk}/change/"), form)
        relation.refresh_from_db()
        assert (relation.kind, relation.is_active) == (3, False)
        assert relation.changed_ms > AT_MS
