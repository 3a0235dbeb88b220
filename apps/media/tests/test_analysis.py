"""What is found in clips, pictures and sounds; and in what only pretends to be one."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from apps.media.algorithms.hashes import copied_shares
from apps.media.analysis import analyze
from apps.media.encoder import look, model_name, weights_path
from apps.media.reading import UnreadableMediaError, read_media
from apps.media.tests.clips import cropped, make_clip, make_scene, tone

SCENES = [make_scene(seed) for seed in range(3)]
WEIGHTS = weights_path()
with_weights = pytest.mark.skipif(WEIGHTS is None, reason="no weights: requirements-media.txt")


def picture(path: Path, width: int = 64, height: int = 48) -> Path:
    with av.open(str(path), "w", format="mjpeg") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        image = av.VideoFrame.from_ndarray(make_scene(3, height, width))
        out.mux(stream.encode(image.reformat(format="yuvj420p")))
        out.mux(stream.encode(None))
    return path


class TestClip:
    def test_frames_are_spread_and_sound_is_resampled(self, tmp_path: Path) -> None:
        read = read_media(make_clip(tmp_path / "a", SCENES, sound=tone(440, 3)))

        assert read.duration_seconds == pytest.approx(3, abs=0.1)
        assert (read.width, read.height) == (320, 180)
        assert len(read.gray) == 6  # two a second
        assert len(read.sound) == pytest.approx(3 * 22_050, rel=0.02)
        spectrum = np.abs(np.fft.rfft(read.sound[:22_050]))
        assert spectrum.argmax() == 440

    def test_long_clip_is_jumped_through(self, tmp_path: Path) -> None:
        grays = [np.full((16, 16, 3), 10 * i, np.uint8) for i in range(24)]

        read = read_media(make_clip(tmp_path / "a", grays, seconds=5))

        assert read.duration_seconds == pytest.approx(120, abs=0.2)
        found = read.gray.mean(axis=(1, 2))
        assert len(found) == 24
        # A scene each 5 s, a frame each 5 s: every level once, as far as the codec keeps it.
        assert np.abs(found - np.arange(24) * 10).max() < 4

    def test_silent_clip_has_no_audio_and_a_sound_no_picture(self, tmp_path: Path) -> None:
        silent = analyze(make_clip(tmp_path / "a", SCENES), None)
        with av.open(str(tmp_path / "b"), "w", format="wav") as out:
            stream = out.add_stream("pcm_s16le", rate=22_050, layout="mono")
            samples = (tone(300) * 32_767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 22_050
            out.mux(stream.encode(frame))
        sound = analyze(tmp_path / "b", WEIGHTS)

        assert silent.audio is None
        assert len(silent.hashes) == 6
        assert sound.audio is not None
        assert (sound.hashes, sound.visual, sound.unsafe_score) == ([], None, None)

    @with_weights
    def test_cropped_and_recompressed_copy_is_alike(self, tmp_path: Path) -> None:
        worse = [cropped(scene, 0.9) for scene in SCENES]
        clips = [
            make_clip(tmp_path / "a", SCENES),
            make_clip(tmp_path / "b", worse, kbit=100),
            make_clip(tmp_path / "c", [make_scene(seed) for seed in (10, 11, 12)]),
        ]
        original, copy, other = (analyze(clip, WEIGHTS) for clip in clips)

        known = [np.array(found.hashes, np.uint64) for found in (original, other)]
        assert copied_shares(np.array(copy.hashes, np.uint64), known).tolist() == [1.0, 0.0]
        assert np.dot(copy.visual or [], original.visual or []) > 0.95
        assert np.dot(copy.visual or [], original.visual or []) > np.dot(
            copy.visual or [], other.visual or []
        )
        assert 0 <= (original.unsafe_score or 0) < 0.5

    @with_weights
    def test_picture_is_seen(self, tmp_path: Path) -> None:
        found = analyze(picture(tmp_path / "a"), WEIGHTS)

        assert (found.width, found.height, found.duration_seconds) == (64, 48, None)
        assert np.linalg.norm(found.visual or []) == pytest.approx(1, abs=1e-2)
        assert WEIGHTS is not None
        assert found.model == model_name(WEIGHTS)

    @with_weights
    def test_vectors_of_one_name_are_comparable(self) -> None:
        """Where this fails by a change of ours, give the recipe another number, and its vector."""
        assert WEIGHTS is not None
        vector = look(make_scene(0, 256, 256)[None], WEIGHTS).vector

        assert model_name(WEIGHTS).endswith("-2")
        largest = {260: 0.1407, 527: 0.1310, 757: 0.1271, 12: 0.1182, 144: 0.1088, 431: 0.1043}
        assert vector[list(largest)] == pytest.approx(list(largest.values()), abs=2e-3)


class TestHostile:
    @pytest.mark.parametrize(
        "told",
        [
            b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            b"ffconcat version 1.0\nfile /etc/passwd\n",
            b"<?xml version='1.0'?><MPD></MPD>",
            b"",
        ],
    )
    def test_playlists_and_other_types_are_refused(self, tmp_path: Path, told: bytes) -> None:
        (tmp_path / "a").write_bytes(told)

        with pytest.raises(UnreadableMediaError, match="type of the file"):
            read_media(tmp_path / "a")

    def test_playlist_behind_the_bytes_of_a_clip_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"#EXTftyp\n#EXTM3U\nfile:///etc/passwd\n")

        with pytest.raises(UnreadableMediaError, match="not a readable video"):
            read_media(tmp_path / "a")

    def test_clip_cut_off_is_refused(self, tmp_path: Path) -> None:
        whole = make_clip(tmp_path / "a", SCENES).read_bytes()
        (tmp_path / "b").write_bytes(whole[: len(whole) // 2])

        with pytest.raises(UnreadableMediaError):
            read_media(tmp_path / "b")

    def test_picture_of_too_many_pixels_is_refused_by_its_header(self, tmp_path: Path) -> None:
        told = bytearray(picture(tmp_path / "a").read_bytes())
        at = told.index(b"\xff\xc0") + 5  # start of frame: length, precision, height, width
        told[at : at + 4] = b"\x75\x30\x75\x30"  # 30,000 × 30,000
        (tmp_path / "b").write_bytes(told)

        with pytest.raises(UnreadableMediaError):
            read_media(tmp_path / "b")
