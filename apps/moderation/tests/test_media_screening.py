"""Copies of what was removed, and unsafe pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.media.algorithms.hashes import frame_hashes
from apps.media.models import MediaAnalysis
from apps.media.tests.clips import cropped, make_scene
from apps.moderation import media_screening
from apps.moderation.models import Case, Decision, ScreeningVerdict, Statement
from apps.moderation.services import cases, decisions
from apps.moderation.tests.factories import make_case, make_decision, make_user

pytestmark = pytest.mark.django_db


def make_analysis(
    content_id: str, *frames: np.ndarray, unsafe: float | None = None, name: str = "a"
) -> MediaAnalysis:
    """Store what was found in a content's file: the hashes of its frames."""
    content = Content.objects.filter(content_id=content_id).first() or make_content(content_id)
    hashes = [frame_hashes(frame[None, ..., 1]) for frame in frames]
    told = [[f"{bits:016x}" for bits in row] for h in hashes for row in h.tolist()]
    facts = {"kind": "video", "file": f"media/{content_id}{name}", "n_bytes": 1, "state": "done"}
    facts |= {"due_ms": NOW_MS, "requested_ms": NOW_MS, "finished_ms": NOW_MS}
    facts |= {"hashes": told, "unsafe_score": unsafe, "model": "net-1" if unsafe else ""}
    return MediaAnalysis.objects.update_or_create(content=content, defaults=facts)[0]


def remove(content_id: str, *frames: np.ndarray, reason: str = "violence") -> Decision:
    """Let a moderator remove a content with these frames."""
    make_analysis(content_id, *frames)
    return make_decision("remove", case=make_case(content_id), reason=reason)


def screen(now_ms: int = NOW_MS) -> int:
    return media_screening.screen_media(now_ms=now_ms)


def state_of(content_id: str) -> tuple[str, bool]:
    content = Content.objects.get(content_id=content_id)
    return content.status, content.is_reach_limited


SCENES = [make_scene(seed) for seed in range(4)]
OTHERS = [make_scene(seed) for seed in range(10, 14)]


class TestCopies:
    def test_cropped_copy_of_a_removed_content_is_removed_under_its_clause(self) -> None:
        remove("bad", *SCENES)
        make_analysis("copy", *(cropped(scene, 0.9)[::2, ::2] for scene in SCENES))
        make_analysis("other", *OTHERS)

        assert screen() == 3

        assert state_of("copy") == ("removed", False)
        assert state_of("other") == ("active", False)
        decision = Decision.objects.get(content__content_id="copy")
        assert (decision.is_automated, decision.reason) == (True, "violence")
        assert "a copy of what was removed" in Statement.objects.get(decision=decision).facts
        verdict = ScreeningVerdict.objects.get(content__content_id="copy")
        assert (verdict.kind, verdict.category, verdict.zone) == ("hash", "violence", "block")
        assert (verdict.score, verdict.grounds) == (1.0, [["frames of bad", 1.0]])

    def test_content_with_some_of_the_frames_waits_for_a_moderator(self) -> None:
        remove("bad", *SCENES)
        make_analysis("mixed", SCENES[0], SCENES[1], *OTHERS)  # 2 of 6

        screen()

        assert state_of("mixed") == ("active", True)
        assert Case.objects.get(content__content_id="mixed").clause == "violence"

    def test_operator_may_leave_removals_to_moderators(self, settings: Any) -> None:
        settings.SCREENING_REMOVES = False
        remove("bad", *SCENES)
        make_analysis("copy", *SCENES)

        screen()

        assert state_of("copy") == ("active", True)

    def test_removal_that_was_undone_blocks_nothing(self) -> None:
        decision = remove("bad", *SCENES)
        senior = make_user("sam", role="senior moderator")
        decisions.undo(decision.pk, user=senior, is_senior=True, now_ms=NOW_MS + 60_000)
        make_analysis("copy", *SCENES)

        screen()

        assert state_of("copy") == ("active", False)

    def test_what_a_machine_removed_blocks_nothing(self) -> None:
        make_analysis("bad", *SCENES)
        said = decisions.Verdict("remove", "hate")
        assert decisions.decide_automatically(make_case("bad"), said, now_ms=NOW_MS)
        make_analysis("copy", *SCENES)

        screen()

        assert state_of("copy") == ("active", False)

    def test_file_is_judged_once_and_another_one_again(self) -> None:
        remove("bad", *SCENES)
        make_analysis("copy", SCENES[0], SCENES[1], *OTHERS)
        assert screen() == 2
        mo = make_user("max")
        case = Case.objects.get(content__content_id="copy")
        make_decision("none", case=case, user=mo)

        assert screen() == 0
        assert state_of("copy") == ("active", False)  # the moderator's word stands

        make_analysis("copy", *OTHERS, name="b")
        assert screen() == 1
        verdict = ScreeningVerdict.objects.get(content__content_id="copy")
        assert (verdict.category, verdict.zone) == (media_screening.NO_COPY, "allow")


class TestPictures:
    @pytest.mark.parametrize(
        ("score", "zone", "expected"),
        [
            (0.2, "allow", ("active", False)),
            (0.8, "review", ("active", True)),
            (0.99, "block", ("removed", False)),
        ],
    )
    def test_score_decides_by_three_zones(
        self, score: float, zone: str, expected: tuple[str, bool]
    ) -> None:
        make_analysis("v1", *SCENES, unsafe=score)

        screen()

        assert state_of("v1") == expected
        verdict = ScreeningVerdict.objects.get(kind="image")
        assert (verdict.category, verdict.zone, verdict.version) == ("unsafe", zone, "net-1")

    def test_operator_sets_the_thresholds(self, settings: Any) -> None:
        settings.UNSAFE_PERCENT = (40, 101)
        make_content()
        make_analysis("v1", *SCENES, unsafe=1.0)

        screen()

        assert state_of("v1") == ("active", True)

    def test_case_says_that_the_score_rests_on_no_labels(self, client: Any) -> None:
        make_content()
        make_analysis("v1", *SCENES, unsafe=0.8)
        screen()
        client.force_login(make_user())

        page = client.get(f"/moderation/cases/{Case.objects.get().pk}/").content.decode()

        assert "never calibrated on labelled pictures" in page

    def test_without_weights_no_picture_is_judged(self) -> None:
        make_analysis("v1", *SCENES)

        screen()

        assert not ScreeningVerdict.objects.filter(kind="image").exists()

    def test_pictures_are_judged_when_weights_come_and_what_was_decided_stands(self) -> None:
        remove("bad", *SCENES)
        make_analysis("copy", SCENES[0], SCENES[1], *OTHERS)
        screen()
        make_decision(
            "none", case=Case.objects.get(content__content_id="copy"), user=make_user("max")
        )

        make_analysis("copy", SCENES[0], SCENES[1], *OTHERS, unsafe=0.2)
        assert screen() == 1
        assert screen() == 0

        kinds = ScreeningVerdict.objects.filter(content__content_id="copy")
        assert set(kinds.values_list("kind", "zone")) == {("hash", "review"), ("image", "allow")}
        assert state_of("copy") == ("active", False)


def test_idle_run_costs_two_queries(django_assert_max_num_queries: Any) -> None:
    make_analysis("v1", *SCENES)
    screen()

    with django_assert_max_num_queries(2):  # the mark, and what is newer
        assert screen(NOW_MS + 3_600_000) == 0


def test_case_that_a_moderator_holds_is_left_to_them() -> None:
    remove("bad", *SCENES)
    make_analysis("copy", *SCENES)
    cases.claim(make_case("copy").pk, user=make_user("max"), now_ms=NOW_MS)

    screen()

    assert state_of("copy") == ("active", True)
