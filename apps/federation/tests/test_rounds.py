"""Rounds as devices go through them, over the API."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import numpy as np
import pytest
from django.apps import apps

from apps.federation import rounds
from apps.federation.algorithms import masks, skellam
from apps.federation.conf import FEATURES
from apps.federation.models import Device, GlobalModel, Plan, Round, Share
from apps.federation.selectors import config_of, loss_of
from apps.federation.tests.devices import (
    Phone,
    enter,
    make_plan,
    mean_of,
    now,
    pass_time,
    step,
    through,
    to_unmasking,
)

pytestmark = pytest.mark.django_db


def weights() -> np.ndarray:
    stored = GlobalModel.objects.latest("pk").weights
    return np.array([stored[name] for name in FEATURES])


class TestSum:
    def test_model_moves_by_the_mean_of_all_updates_exactly(self, api: Any) -> None:
        make_plan()

        phones = enter(api, 6)
        assert through(phones).phase == Round.Phase.CLOSED

        assert np.array_equal(weights(), mean_of(phones))
        assert not Device.objects.exists()
        assert not Share.objects.exists()

    @pytest.mark.parametrize("n_neighbors", [8, 64])
    def test_is_exact_when_a_fifth_drops_out_on_the_way(
        self, api: Any, monkeypatch: pytest.MonkeyPatch, n_neighbors: int
    ) -> None:
        """One never shares, one never sends its update, one never reveals."""
        for module in ("selectors", "rounds"):
            monkeypatch.setattr(f"apps.federation.{module}.N_NEIGHBORS", n_neighbors)
        make_plan(most=15)
        phones = enter(api, 15)
        never_shares, never_masks, never_reveals = phones[0], phones[5], phones[10]

        step([p for p in phones if p is not never_shares])
        pass_time()
        step([p for p in phones if p not in (never_shares, never_masks)])
        pass_time()
        step([p for p in phones if p not in (never_shares, never_masks, never_reveals)])
        pass_time()

        found = Round.objects.get()
        assert (found.phase, found.n_joined, found.n_shared, found.n_masked) == (
            Round.Phase.CLOSED,
            15,
            14,
            13,
        )
        in_it = [p for p in phones if p not in (never_shares, never_masks)]
        assert np.array_equal(weights(), mean_of(in_it))

    def test_next_round_goes_on_from_the_last(self, api: Any) -> None:
        make_plan(noise=20.0)
        first = enter(api, 4)
        through(first)
        before = weights()

        second = enter(api, 4, seed=1)
        through(second)

        assert weights() == pytest.approx(before + mean_of(second), abs=1e-12)
        assert GlobalModel.objects.count() == 2

    def test_phase_ends_early_when_all_have_sent(self, api: Any) -> None:
        make_plan(most=4)
        phones = enter(api, 4)
        for phase in ("masking", "unmasking", "closed"):
            step(phones)
            rounds.advance(now_ms=now())
            assert Round.objects.get().phase == phase


class TestWhatTheServerKnows:
    def test_no_table_ever_holds_a_plain_update(self, api: Any) -> None:
        """Looked for as it was sent and as numbers, before and after the sum was opened."""
        make_plan()
        phones = enter(api, 5)

        def all_rows() -> str:
            models = apps.get_app_config("federation").get_models()
            rows = [list(model._default_manager.values()) for model in models]
            return repr([[{k: _plain(v) for k, v in row.items()} for row in r] for r in rows])

        def _plain(value: Any) -> Any:
            return bytes(value) if isinstance(value, memoryview) else value

        to_unmasking(phones)
        step(phones)
        open_rows = all_rows()
        pass_time()
        for phone in phones:
            raw = phone._update.astype("<u4").tobytes()
            numbers = skellam.decode(phone._update, scale=Round.objects.get().config["scale"])
            for rows in (open_rows, all_rows()):
                assert repr(raw)[2:-1] not in rows
                assert base64.b64encode(raw).decode() not in rows
                assert not any(str(number) in rows for number in numbers)
        assert repr(bytes(4)) not in open_rows  # what the search would look like if it were empty

    def test_all_that_was_revealed_opens_no_single_update(self, api: Any) -> None:
        """The seeds of survivors come out, and the masks of their pairs stay on."""
        make_plan()
        phones = enter(api, 5)
        to_unmasking(phones)
        step(phones)
        found = Round.objects.get()
        devices = {device.number: device for device in Device.objects.all()}
        seeds = rounds._secrets(found, devices)

        by_seed = {phone._seed: phone for phone in phones}
        for number, device in devices.items():
            left = np.frombuffer(bytes(device.masked), "<u4") - masks.own_mask(seeds[number], 7)
            assert not (left == by_seed[seeds[number]]._update).any()

    def test_nothing_leads_from_a_device_to_a_viewer(self, api: Any, api_with: Any) -> None:
        make_plan()
        rounds.advance(now_ms=now())
        token = api.post("client-tokens", {"user_id": "alice"}).json()["token"]
        Phone(api_with(key=token)).enter(np.random.default_rng(0))

        fields = {f.name for f in Device._meta.get_fields() if f.is_relation}
        (row,) = Device.objects.values()
        assert fields == {"round"}
        assert "alice" not in repr(row)


class TestTooFew:
    def test_round_fails_when_too_few_join(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 2)

        assert step(phones) == ["failed", "failed"]
        found = Round.objects.get()
        assert found.reason == "2 devices after joining, 3 are needed"
        assert api.get("federation/model").json()["epsilon"] == 0

    def test_round_fails_when_too_few_updates_are_left(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        step(phones)
        pass_time()
        step(phones[:2])
        pass_time()

        assert Round.objects.get().phase == Round.Phase.FAILED
        assert not Device.objects.exists()
        assert api.get("federation/model").json()["n_rounds"] == 0

    def test_sum_stays_shut_when_too_few_reveal_and_counts_as_opened(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 5)
        to_unmasking(phones)
        step(phones[:1])
        pass_time()

        found = Round.objects.get()
        assert found.phase == Round.Phase.FAILED
        assert "shares of device" in found.reason
        assert not GlobalModel.objects.exists()
        assert api.get("federation/model").json()["n_rounds"] == 1

    def test_round_that_is_left_alone_expires_and_another_opens(self, api: Any) -> None:
        make_plan()
        enter(api, 4)
        pass_time()  # nobody has shared
        rounds.advance(now_ms=now())

        assert [r.phase for r in Round.objects.order_by("opened_ms")] == ["failed", "joining"]

    def test_wrong_shares_are_noticed(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        to_unmasking(phones)
        for phone in phones:
            phone._held = {n: (key, bytes(33)) for n, (key, _) in phone._held.items()}
        step(phones)
        pass_time()

        found = Round.objects.get()
        assert found.phase == Round.Phase.FAILED
        assert "wrong" in found.reason
        assert not GlobalModel.objects.exists()


class TestBudget:
    def test_no_round_is_opened_that_would_spend_more(self, api: Any) -> None:
        plan = make_plan(epsilon=3.0)
        spent = []
        while rounds.advance(now_ms=now()):
            phones = [Phone(api) for _ in range(4)]
            for phone in phones:
                phone.enter(np.random.default_rng(0))
            pass_time()
            through(phones)
            spent.append(api.get("federation/model").json()["epsilon"])

        loss = loss_of(config_of(Round.objects.first()))
        allowed = [n for n in range(1, 10) if skellam.epsilon(n * loss, plan.delta) <= 3.0]
        assert len(spent) == len(allowed) > 1
        assert spent == pytest.approx([skellam.epsilon(n * loss, plan.delta) for n in allowed])
        assert api.get("federation/round").json()["code"] == "no-round"

    def test_without_an_active_plan_nothing_is_opened(self) -> None:
        make_plan(is_active=False)

        assert not rounds.advance(now_ms=now())
        assert not Round.objects.exists()

    def test_round_keeps_what_it_was_opened_with(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        Plan.objects.update(noise=50.0, least=100, most=200)
        through(phones)

        assert Round.objects.get().phase == Round.Phase.CLOSED
        assert msgspec.convert(Round.objects.get().config, dict[str, float])["noise"] == 3.0


def test_weights_of_a_feature_that_was_not_known_are_zero(api: Any) -> None:
    GlobalModel.objects.create(weights={"bias": 1.5, "gone": 2.0}, made_ms=1)

    told = api.get("federation/model").json()["weights"]

    assert told == {name: 1.5 if name == "bias" else 0.0 for name in FEATURES}
