from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ive, logsumexp

from apps.federation.algorithms import skellam

# One device more or less, a scale at which nothing is lost by rounding.
FINE = {"clip": 1.0, "scale": 1e9, "n_values": 7}


@pytest.mark.parametrize(
    ("noise", "n_rounds", "expected"),
    [(1.0, 1, 4.752728336819822), (3.0, 20, 7.53230607327611), (2.0, 10, 8.087861628831664)],
)
def test_epsilon_is_that_of_dp_accounting(noise: float, n_rounds: int, expected: float) -> None:
    """`RdpAccountant` of dp-accounting 0.6.0 on Gaussians, orders 2 to 256, δ = 1e-5.

    Its own ε is a minimum over the same orders: with a fine grid Skellam noise is Gaussian.
    """
    loss = n_rounds * skellam.privacy_loss(noise=noise, **FINE)

    assert skellam.epsilon(loss, 1e-5) == pytest.approx(expected, rel=1e-6)


def divergence(shift: int, variance: float, order: int) -> float:
    """Σ p(z − Δ)^α p(z)^(1 − α) over all z that matter, of one value, in logarithms."""
    z = np.arange(-1500, 1501)
    there, here = ive(z - shift, variance), ive(z, variance)  # e^−μ I_z(μ)
    known = (there > 0) & (here > 0)
    terms = order * np.log(there[known]) - (order - 1) * np.log(here[known])
    return float(logsumexp(terms) / (order - 1))


def bound(shift: int, noise: float, order: int) -> float:
    """Of an update that is `shift` units long exactly, without the room for rounding."""
    loss = skellam.privacy_loss(
        clip=shift - 0.5, scale=1.0, noise=noise * shift / (shift - 0.5), n_values=1
    )
    return float(loss[list(skellam.ORDERS).index(order)])


@pytest.mark.parametrize("order", [2, 4, 8])
@pytest.mark.parametrize("shift", [1, 5, 20])
@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_loss_is_no_less_than_the_divergence(shift: int, noise: float, order: int) -> None:
    assert divergence(shift, (noise * shift) ** 2, order) <= bound(shift, noise, order)


@pytest.mark.parametrize("order", [2, 4, 8])
def test_loss_is_hardly_more_than_the_divergence_on_a_fine_grid(order: int) -> None:
    assert bound(20, 3.0, order) < 1.01 * divergence(20, 3600.0, order)


def test_coarse_grid_costs_privacy() -> None:
    fine, coarse = (
        skellam.epsilon(skellam.privacy_loss(noise=1.0, clip=1.0, scale=s, n_values=7), 1e-5)
        for s in (1e9, 4.0)
    )

    assert coarse > 1.3 * fine


def test_nothing_costs_nothing() -> None:
    assert skellam.epsilon(np.zeros(len(skellam.ORDERS)), 1e-5) == 0.0


def test_noise_of_devices_adds_up_to_the_variance_that_is_accounted() -> None:
    """4,000 values: the variance's own deviation is 2.2 %; the limit is five of them."""
    rng = np.random.default_rng(3)
    zero, variance = np.zeros(4000), 900.0
    total = sum(skellam.encode(zero, scale=1.0, variance=variance / 20, rng=rng) for _ in range(20))
    found = skellam.decode(np.asarray(total, np.uint32), scale=1.0)

    assert found.var() == pytest.approx(variance, rel=0.11)
    assert abs(found.mean()) < 5 * np.sqrt(variance / 4000)


@pytest.mark.parametrize("noise", [0.5, 3.0, 50.0])
def test_scale_leaves_room_for_the_longest_sum_and_its_noise(noise: float) -> None:
    least, most, clip = 100, 2000, 0.5
    scale = skellam.fitting_scale(clip=clip, noise=noise, least=least, most=most)
    longest = most * clip * scale + 10 * noise * clip * scale * np.sqrt(most / least)

    assert 2**29 < longest <= 2**30


def test_sum_below_zero_is_read_as_such() -> None:
    rng = np.random.default_rng(0)
    parts = [
        skellam.encode(np.array([x, -x]), scale=1e6, variance=0, rng=rng) for x in (-1.5, 0.25)
    ]

    assert skellam.decode(parts[0] + parts[1], scale=1e6) == pytest.approx([-1.25, 1.25], abs=1e-6)
