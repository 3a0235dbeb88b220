"""A sound that comes again under another id counts as one with the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.content import selectors
from apps.content.models import Content, Sound
from apps.content.tests.factories import NOW_MS, make_content
from apps.media import services, sounds
from apps.media.algorithms.landmarks import landmarks
from apps.media.models import SoundMark
from apps.media.tests.clips import make_clip, make_scene
from apps.media.tests.tunes import RATE, tune

pytestmark = pytest.mark.django_db
SONG, CUT, OTHER = (
    landmarks(sound).tolist() for sound in (tune(1, 8.0), tune(1, 8.0)[3 * RATE :], tune(2, 8.0))
)


def hear(content: Content, marks: list[list[int]]) -> int | None:
    return sounds.recognize(content.pk, marks, now_ms=NOW_MS)


def codes(*contents: Content) -> list[int]:
    """Return the sound rows of contents in the catalogue."""
    catalog = selectors.current_catalog()
    order = {int(pk): row for row, pk in enumerate(catalog.content_pk)}
    return [int(catalog.sound[order[content.pk]]) for content in contents]


def test_cut_of_a_sound_under_another_id_counts_as_the_first() -> None:
    first, again = make_content("v1", audio_id="song"), make_content("v2", audio_id="upload")

    assert hear(first, SONG) is None
    assert hear(again, CUT) == first.pk

    one, other = codes(first, again)
    assert one == other
    assert one >= 0
    # What the app said stands, and what is heard is beside it.
    again.refresh_from_db()
    assert again.sound is not None
    assert again.sound.audio_id == "upload"
    (told,) = selectors.described(selectors.current_catalog().content_pk)
    assert len({known.sound_pk for known in told if known}) == 1


def test_clip_with_a_cut_and_compressed_copy_of_a_sound_is_heard(tmp_path: Path) -> None:
    song = tune(3, 6.0)
    scenes = [[make_scene(0, 90, 160)], [make_scene(1, 90, 160)]]
    sounds_of = [song, 0.3 * song[int(1.7 * RATE) :]]
    made = [make_content(f"v{i}", audio_id=f"a{i}") for i in range(2)]
    for content, scene, sound in zip(made, scenes, sounds_of, strict=True):
        data = make_clip(tmp_path / content.content_id, scene, sound=sound).read_bytes()
        file = SimpleUploadedFile("x", data)
        services.accept(content.content_id, file, now_ms=NOW_MS)
        assert services.work_next(now_ms=NOW_MS)

    one, other = codes(*made)
    assert one == other


def test_others_keep_their_own() -> None:
    first, other = make_content("v1", audio_id="song"), make_content("v2", audio_id="song2")
    hear(first, SONG)

    assert hear(other, OTHER) is None
    one, two = codes(first, other)
    assert one != two


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("song", None), "song"),
        ((None, "song"), "song"),
        (("song", "song"), "song"),
        ((None, None), "heard:"),
    ],
)
def test_sound_that_one_of_two_names_is_that_of_both(
    said: tuple[str | None, str | None], expected: str
) -> None:
    first, again = (make_content(f"v{i}", audio_id=name) for i, name in enumerate(said))
    hear(first, SONG)
    hear(again, CUT)

    one, two = codes(first, again)
    assert one == two >= 0
    assert Sound.objects.get().audio_id.startswith(expected)


def test_sound_heard_once_costs_no_row_of_sounds() -> None:
    hear(make_content(), SONG)

    assert not Sound.objects.exists()
    assert 0 < SoundMark.objects.count() <= len(SONG)


def test_copies_keep_no_landmarks_of_their_own() -> None:
    first, again, third = (make_content(f"v{i}") for i in range(3))
    hear(first, SONG)
    hear(again, CUT)

    assert hear(third, CUT) == first.pk
    assert set(SoundMark.objects.values_list("content_id", flat=True)) == {first.pk}
    assert len({*codes(first, again, third)}) == 1


def test_another_file_is_heard_anew() -> None:
    first, again = make_content("v1", audio_id="song"), make_content("v2")
    hear(first, SONG)
    hear(again, CUT)
    before = Content.objects.get(pk=again.pk).changed_ms

    hear(again, OTHER)

    again.refresh_from_db()
    assert again.heard is None
    assert again.changed_ms > before
    assert codes(again) == [-1]


def test_silence_is_like_nothing() -> None:
    first, again = make_content("v1"), make_content("v2")

    assert hear(first, []) is None
    assert hear(again, []) is None
    assert not SoundMark.objects.exists()


def test_number_of_queries_is_fixed(django_assert_max_num_queries: Any) -> None:
    contents = [make_content(f"v{i}") for i in range(3)]
    for content in contents[:2]:
        hear(content, SONG)
    with django_assert_max_num_queries(12):
        hear(contents[2], CUT)
