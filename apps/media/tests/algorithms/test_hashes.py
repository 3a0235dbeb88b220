"""Perceptual hashes: what stays the same, and what does not."""

from __future__ import annotations

import numpy as np

from apps.media.algorithms.hashes import (
    CROPS,
    NEAR,
    copied_shares,
    distances,
    frame_hashes,
)
from apps.media.tests.clips import cropped, make_scene


def gray(seed: int) -> np.ndarray:
    return make_scene(seed)[..., 1]


def hashes(*frames: np.ndarray) -> np.ndarray:
    return np.concatenate([frame_hashes(frame[None]) for frame in frames])


def test_smaller_and_noisy_picture_is_near() -> None:
    rng = np.random.default_rng(0)
    noisy = (gray(1) + rng.normal(0, 6, gray(1).shape)).clip(0, 255).astype(np.uint8)

    assert distances(hashes(gray(1)), hashes(gray(1)[::2, ::2])).item() <= NEAR
    assert distances(hashes(gray(1)), hashes(noisy)).item() <= NEAR


def test_cropped_picture_is_near_in_both_directions() -> None:
    whole = [hashes(gray(seed)) for seed in range(20)]
    inner = [hashes(cropped(make_scene(seed), 0.87)[..., 1]) for seed in range(20)]

    assert max(distances(a, b).item() for a, b in zip(whole, inner, strict=True)) <= NEAR
    assert max(distances(b, a).item() for a, b in zip(whole, inner, strict=True)) <= NEAR


def test_other_pictures_are_far() -> None:
    made = hashes(*(gray(seed) for seed in range(40)))
    found = distances(made, made)[~np.eye(40, dtype=bool)]

    assert (found <= NEAR).mean() < 0.002
    assert 22 < np.median(found) < 32  # the least of 9 comparisons of 64 bits


def test_flat_frames_have_no_hash() -> None:
    assert frame_hashes(np.full((2, 40, 40), 7, np.uint8)).shape == (0, len(CROPS))


def test_distances_count_the_bits_of_the_nearest_crop() -> None:
    rng = np.random.default_rng(1)
    one, other = (rng.integers(0, 2**63, (n, len(CROPS)), np.uint64) for n in (3, 4))

    expected = [
        [
            min(
                *(bin(int(crop) ^ int(b[0])).count("1") for crop in a),
                *(bin(int(a[0]) ^ int(crop)).count("1") for crop in b),
            )
            for b in other
        ]
        for a in one
    ]

    assert distances(one, other).tolist() == expected


def test_share_is_of_the_suspects_frames_by_known_clip() -> None:
    # Frames 1, 2, 3, 4 against a clip with 2 of them, one with none, one with all.
    suspect = hashes(*map(gray, (1, 2, 3, 4)))
    known = [hashes(gray(1), gray(4)), hashes(gray(9)), hashes(*map(gray, (4, 3, 2, 1, 7)))]

    assert copied_shares(suspect, known).tolist() == [0.5, 0.0, 1.0]


def test_nothing_is_a_copy_of_nothing() -> None:
    assert copied_shares(hashes(gray(1)), []).tolist() == []
    assert copied_shares(frame_hashes(np.empty((0, 9, 9), np.uint8)), [hashes(gray(1))]) == [0.0]
