"""Comments: judged once each by what judges descriptions, and what follows from each zone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from apps.content import selectors as contents
from apps.content.models import Comment, Content
from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.core.models import WebhookDelivery
from apps.core.webhooks.services import add_endpoint
from apps.events import selectors as events
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features.models import Watermark
from apps.moderation import comments
from apps.moderation.conf import BLOCKED_COMMENTS, CROWD_VIEWERS, REPEAT_DAYS
from apps.moderation.models import AuditEntry, Case, FlaggedComment
from apps.moderation.tests.factories import make_user
from apps.moderation.tests.test_screening import BLOCKING, CLEAN, DIRTY, REVIEWING, screening_with

pytestmark = pytest.mark.django_db


def comment(*said: dict[str, Any], zones: tuple[float, float] = REVIEWING) -> None:
    """Let viewers write, and judge what they wrote at once."""
    before = Event.objects.count()
    send(*said)
    log = events.log(contents.current_catalog())
    comments.take_comments(log.take(slice(before, None)), screening_with(*zones))


def written(text: str = CLEAN, **given: Any) -> dict[str, Any]:
    return make_event("comment", comment_text=text, **given)


def kept() -> list[str]:
    return list(Comment.objects.order_by("pk").values_list("text", flat=True))


def test_without_weights_nothing_is_read_and_nothing_is_passed_over() -> None:
    make_content()
    send(written())

    assert comments.keep_up() == 0
    assert not Watermark.objects.filter(consumer=comments.CONSUMER).exists()


class TestZones:
    def test_clean_comment_speaks_for_its_content(self) -> None:
        make_content()
        comment(written(), make_event("comment"), make_event("like"))

        assert kept() == [CLEAN]
        assert not FlaggedComment.objects.exists()

    def test_suspicious_comment_waits_and_the_content_is_as_it_was(self) -> None:
        make_content()
        comment(written(DIRTY), written(CLEAN, user_id="bob"))

        assert kept() == [CLEAN]
        assert FlaggedComment.objects.get().state == "waiting"
        assert not Case.objects.exists()
        assert not Content.objects.get().is_reach_limited

    def test_certain_one_is_blocked(self) -> None:
        make_content()
        comment(written(DIRTY), zones=BLOCKING)

        assert kept() == []
        assert FlaggedComment.objects.get().state == "blocked"

    def test_certain_one_waits_where_machines_decide_nothing(self, settings: Any) -> None:
        settings.SCREENING_REMOVES = False
        make_content()
        comment(written(DIRTY), zones=BLOCKING)

        assert FlaggedComment.objects.get().state == "waiting"

    def test_app_is_told_which_but_not_what_or_who(self) -> None:
        add_endpoint("https://app.example/hook", ["moderation.comment"])
        make_content()
        key = "0195f7a0-0000-7000-8000-000000000001"
        comment(written(DIRTY, event_id=key), zones=BLOCKING)

        said = json.loads(WebhookDelivery.objects.get().body)["data"]
        assert said == {
            "event_id": key,
            "content_id": "v1",
            "category": "offensive",
            "state": "blocked",
            "is_automated": True,
        }

    def test_same_comment_is_judged_once(self) -> None:
        make_content()
        comment(written(DIRTY))
        log = events.log(contents.current_catalog())
        comments.take_comments(log, screening_with(*BLOCKING))

        assert FlaggedComment.objects.get().state == "waiting"


class TestPeopleDecide:
    def test_comment_that_is_let_pass_speaks_and_is_recorded(self) -> None:
        make_content()
        comment(written(DIRTY))
        flagged = FlaggedComment.objects.get()

        assert comments.decide([flagged.pk], "allowed", user=make_user(), now_ms=NOW_MS) == 1

        assert kept() == [DIRTY]
        entry = AuditEntry.objects.get()
        assert (entry.verb, entry.subject) == ("let pass", f"comment:{flagged.pk}")
        assert DIRTY not in str(entry.facts)
        assert comments.decide([flagged.pk], "allowed", user=make_user("m"), now_ms=NOW_MS) == 0

    def test_one_that_is_blocked_after_all_is_heard_no_more(self) -> None:
        make_content()
        comment(written(DIRTY))
        pk, mo = FlaggedComment.objects.get().pk, make_user()
        comments.decide([pk], "allowed", user=mo, now_ms=NOW_MS)
        before = Content.objects.get().changed_ms

        comments.decide([pk], "blocked", user=mo, now_ms=NOW_MS + 5000)

        assert kept() == []
        assert Content.objects.get().changed_ms > before

    def test_moderators_see_them_in_the_admin_and_others_do_not(self, client: Any) -> None:
        make_content()
        comment(written("<b>you</b> are vile scum"))
        pk = FlaggedComment.objects.get().pk
        address = "/admin/moderation/flaggedcomment/"
        client.force_login(make_user("ana", "analyst"))
        assert client.get(address).status_code == 403

        client.force_login(make_user())
        assert "&lt;b&gt;you&lt;/b&gt;" in client.get(address).content.decode()
        client.post(address, {"action": "let_pass", "_selected_action": [pk]})

        assert FlaggedComment.objects.get().state == "allowed"


class TestMisuse:
    def test_who_had_many_blocked_says_no_more_what_contents_are_about(self) -> None:
        make_content()
        vile = [written(DIRTY, at_ms=NOW_MS - i) for i in range(BLOCKED_COMMENTS)]
        comment(*vile[1:], zones=BLOCKING)
        comment(written("we sang"), zones=BLOCKING)
        assert kept() == ["we sang"]

        comment(vile[0], written("near the river"), written(CLEAN, user_id="bob"), zones=BLOCKING)

        assert kept() == ["we sang", CLEAN]
        later = NOW_MS + (REPEAT_DAYS + 1) * DAY_MS
        alice = FlaggedComment.objects.values_list("viewer_id", flat=True).first()
        assert alice is not None
        assert comments.blocked_commenters({alice}, now_ms=NOW_MS) == {alice}
        assert comments.blocked_commenters({alice}, now_ms=later) == set()

    def test_crowd_puts_a_content_before_people_and_hides_nothing(self) -> None:
        make_content()
        by = [written(DIRTY, user_id=f"u{i}") for i in range(CROWD_VIEWERS)]
        comment(*by[1:], zones=BLOCKING)
        assert not Case.objects.exists()

        comment(by[0], zones=BLOCKING)

        case = Case.objects.get()
        assert (case.source, case.clause, case.held_ms) == ("screening", "hate", None)
        assert not Content.objects.get().is_reach_limited

    def test_page_of_the_case_leads_a_moderator_to_the_comments(self, client: Any) -> None:
        make_content()
        make_content("v2")
        comment(written(DIRTY, content_id="v2", user_id="u0"))
        by = [written(f"{DIRTY} {i}", user_id=f"u{i}") for i in range(CROWD_VIEWERS)]
        comment(*by, zones=BLOCKING)
        client.force_login(make_user())

        page = client.get("/moderation/").content.decode()

        assert "5 comments under it did not pass" in page
        (link,) = re.findall(r'href="([^"]+content__exact=[^"]+)"', page)
        listed = client.get(link)
        assert listed.status_code == 200
        assert {row.content.content_id for row in listed.context["cl"].result_list} == {"v1"}

    def test_one_viewer_is_no_crowd(self) -> None:
        make_content()
        comment(*(written(DIRTY, at_ms=NOW_MS - i) for i in range(CROWD_VIEWERS)), zones=BLOCKING)

        assert not Case.objects.exists()


def test_number_of_queries_does_not_grow_with_comments(django_assert_max_num_queries: Any) -> None:
    make_content()
    send(*(written(f"{CLEAN} {i}", user_id=f"u{i}") for i in range(60)))
    log = events.log(contents.current_catalog())
    with django_assert_max_num_queries(9):
        comments.take_comments(log, screening_with(*REVIEWING))

    assert len(kept()) == 30
