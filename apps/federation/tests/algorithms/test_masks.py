from __future__ import annotations

import secrets

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag

from apps.federation.algorithms import masks


def masked(
    updates: dict[int, masks.Ring], n_neighbors: int
) -> tuple[dict[int, masks.Ring], dict[int, masks.KeyPair], dict[int, bytes]]:
    """Mask the updates of devices 1…n as each of them would."""
    keys = {number: masks.KeyPair() for number in updates}
    seeds = {number: secrets.token_bytes(32) for number in updates}
    found = {}
    for number, update in updates.items():
        near = masks.neighbors(number, len(updates), n_neighbors)
        peers = {n: keys[n].public for n in near}
        d = len(update)
        found[number] = (
            update
            + masks.own_mask(seeds[number], d)
            + masks.pair_masks(number, keys[number], peers, d)
        )
    return found, keys, seeds


@pytest.mark.parametrize("n_neighbors", [6, 64])
def test_sum_is_exact_modulo_the_ring_when_a_fifth_drops_out(n_neighbors: int) -> None:
    rng = np.random.default_rng(1)
    n, d = 30, 50
    updates = {i: rng.integers(0, 2**32, d, dtype=np.uint32) for i in range(1, n + 1)}
    sent, keys, seeds = masked(updates, n_neighbors)
    dropped = set(rng.choice(np.arange(1, n + 1), n // 5, replace=False).tolist())
    alive = [i for i in updates if i not in dropped]

    total = masks.summed((sent[i] for i in alive), d)
    for i in alive:
        total -= masks.own_mask(seeds[i], d)
    for i in dropped:
        near = masks.neighbors(i, n, n_neighbors)
        peers = {j: keys[j].public for j in near if j not in dropped}
        total += masks.pair_masks(i, keys[i], peers, d)

    assert np.array_equal(total, masks.summed((updates[i] for i in alive), d))
    assert np.array_equal(total, sum(updates[i].astype(object) for i in alive) % 2**32)


def test_masked_update_is_uncorrelated_with_what_it_hides() -> None:
    """At d = 4,000 chance correlations have a deviation of .016; the limit is five of them."""
    d = 4000
    plain = (np.arange(d, dtype=np.uint32) * 1000).astype(np.uint32)  # as far from noise as can be
    sent, _, seeds = masked({1: plain, 2: plain, 3: plain}, 64)
    half_open = sent[1] - masks.own_mask(seeds[1], d)  # the pairs' masks alone hide as well

    for seen in (sent[1], half_open):
        assert abs(np.corrcoef(seen.astype(float), plain.astype(float))[0, 1]) < 5 / np.sqrt(d)
        assert abs(seen.mean() / 2**32 - 0.5) < 5 * np.sqrt(1 / 12 / d)


def test_two_masked_copies_of_an_update_have_nothing_in_common() -> None:
    d = 4000
    plain = np.zeros(d, np.uint32)
    first, second = (masked({1: plain, 2: plain}, 64)[0][1] for _ in range(2))

    assert abs(np.corrcoef(first.astype(float), second.astype(float))[0, 1]) < 5 / np.sqrt(d)


@pytest.mark.parametrize(("n", "k"), [(2, 4), (5, 4), (6, 4), (7, 4), (100, 64), (9, 64)])
def test_neighborhood_is_mutual_and_as_large_as_asked(n: int, k: int) -> None:
    near = {i: masks.neighbors(i, n, k) for i in range(1, n + 1)}

    for i, others in near.items():
        assert len(set(others)) == len(others) == min(k, n - 1)
        assert i not in others
        assert all(i in near[j] for j in others)


def test_pair_agrees_on_one_secret_for_each_purpose() -> None:
    a, b = masks.KeyPair(), masks.KeyPair()

    assert a.agreed(b.public, "x") == b.agreed(a.public, "x")
    assert a.agreed(b.public, "x") != a.agreed(b.public, "y")


def test_sealed_share_opens_for_its_receiver_only_and_only_whole() -> None:
    a, b, eve = (masks.KeyPair() for _ in range(3))
    sealed = masks.seal(a, b.public, sender=1, receiver=2, plain=b"share")
    way = {"sender": 1, "receiver": 2}

    assert masks.unseal(b, a.public, sealed=sealed, **way) == b"share"
    for key, text in ((eve, sealed), (b, sealed[:-1] + b"\0")):
        with pytest.raises(InvalidTag):
            masks.unseal(key, a.public, sealed=text, **way)
    with pytest.raises(InvalidTag):  # sent back to where it came from
        masks.unseal(b, a.public, sealed=sealed, sender=2, receiver=1)


def test_key_that_gives_everybody_the_same_secret_is_not_usable() -> None:
    assert masks.is_usable(masks.KeyPair().public)
    assert not masks.is_usable(bytes(32))
