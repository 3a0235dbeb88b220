"""Comments that speak for a content: few are kept, a content changes rarely, authors can go."""

from __future__ import annotations

import pytest

from apps.content import comments, selectors
from apps.content.comments import KEPT_DAYS, MOST, MOST_LETTERS, MOST_OF_VIEWER, Said
from apps.content.models import Comment, Content
from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.profiles.models import Viewer
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.django_db


def viewer(name: str) -> int:
    return Viewer.objects.get_or_create(pseudonym=pseudonym(name))[0].pk


def say(content: Content, *texts: str, by: str = "alice", at_ms: int = NOW_MS) -> None:
    pk = viewer(by)
    comments.keep(Said(content.pk, pk, text, at_ms + i) for i, text in enumerate(texts))


def changed_ms(content: Content) -> int:
    return Content.objects.get(pk=content.pk).changed_ms


def test_of_one_viewer_the_latest_are_kept() -> None:
    content = make_content()
    say(content, *(f"c{i}" for i in range(5)))
    say(content, "c9", at_ms=NOW_MS + 60)

    assert MOST_OF_VIEWER == 2
    assert set(selectors.comments_of([content.pk])[content.pk]) == {"c4", "c9"}


def test_of_a_crowd_the_latest_are_kept() -> None:
    content, other = make_content(), make_content("v2")
    for i in range(MOST + 5):
        say(content, f"c{i}", by=f"viewer{i}", at_ms=NOW_MS + i)
    say(other, "quiet")

    said = selectors.comments_of([content.pk, other.pk])
    assert set(said[content.pk]) == {f"c{i}" for i in range(5, MOST + 5)}
    assert said[other.pk] == ["quiet"]


def test_comment_that_is_taken_twice_is_kept_once_and_a_long_one_is_cut() -> None:
    content = make_content()
    for _ in range(2):
        say(content, "x" * (MOST_LETTERS + 1))

    assert Comment.objects.get().text == "x" * MOST_LETTERS


def test_content_changes_once_however_many_write() -> None:
    content, other = make_content(), make_content("v2")
    before = changed_ms(content), changed_ms(other)
    for i in range(3):
        say(content, "hello", by=f"viewer{i}")
    assert (changed_ms(content), changed_ms(other)) == before

    assert comments.tell(now_ms=NOW_MS + 5000) == 1
    assert (changed_ms(content), changed_ms(other)) == (NOW_MS + 5000, before[1])
    assert comments.tell(now_ms=NOW_MS + 6000) == 0
    assert changed_ms(content) == NOW_MS + 5000


def test_old_comments_go_and_their_content_is_stamped() -> None:
    content = make_content()
    say(content, "old")
    comments.tell(now_ms=NOW_MS)

    later = NOW_MS + (KEPT_DAYS + 1) * DAY_MS
    assert comments.tell(now_ms=later) == 1
    assert not Comment.objects.exists()
    assert changed_ms(content) == later


def test_what_a_viewer_wrote_goes_with_them() -> None:
    content = make_content()
    say(content, "mine", by="alice")
    say(content, "yours", by="bob", at_ms=NOW_MS + 60)

    assert comments.forget(viewer("alice"), now_ms=NOW_MS + 9000) == 1

    assert selectors.comments_of([content.pk]) == {content.pk: ["yours"]}
    assert changed_ms(content) == NOW_MS + 9000
    Viewer.objects.filter(pk=viewer("bob")).delete()
    assert not Comment.objects.exists()


def test_many_contents_are_described_with_a_fixed_number_of_queries(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    for i in range(4):
        say(make_content(f"v{i}"), f"words {i}", by=f"viewer{i}")
    pks = selectors.current_catalog().content_pk
    with django_assert_num_queries(2):  # type: ignore[operator]
        (found,) = selectors.described(pks)
    assert [one.comments for one in found if one] == [[f"words {i}"] for i in range(4)]
