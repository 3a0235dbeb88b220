"""What the server refuses of devices, and devices of the server."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from apps.federation import rounds
from apps.federation.algorithms import masks
from apps.federation.conf import TICKET_HEADER
from apps.federation.device.participant import RefusedError
from apps.federation.models import Device, Round
from apps.federation.tests.devices import (
    ApiError,
    Phone,
    call,
    enter,
    make_plan,
    now,
    pass_time,
    step,
    through,
    to_unmasking,
)

pytestmark = pytest.mark.django_db


class TestRefused:
    def post(self, phone: Phone, kind: str, body: Any, **headers: str) -> tuple[int, str]:
        given = {"type": kind, **body}
        with pytest.raises(ApiError) as refused:
            phone._send("POST", f"{phone._path}/task", given, {**phone._headers, **headers})
        return refused.value.status, refused.value.code

    def masked(self, n: int = 7) -> dict[str, str]:
        return {"values": base64.b64encode(bytes(4 * n)).decode()}

    def test_update_is_taken_once(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        step(phones)
        pass_time()
        step(phones)

        assert self.post(phones[0], "masked", self.masked()) == (409, "already-sent")

    def test_update_before_and_after_its_phase(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        assert self.post(phones[0], "masked", self.masked()) == (409, "wrong-phase")
        step(phones)
        pass_time()
        step(phones[1:])
        Round.objects.update(ends_ms=now() - 1)  # the worker has not looked yet
        assert self.post(phones[0], "masked", self.masked()) == (409, "wrong-phase")
        rounds.advance(now_ms=now())
        assert self.post(phones[0], "masked", self.masked()) == (409, "wrong-phase")
        assert Round.objects.get().n_masked == 3

    def test_update_of_another_length(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        step(phones)
        pass_time()

        assert self.post(phones[0], "masked", self.masked(6)) == (422, "wrong-length")
        assert self.post(phones[0], "masked", {"values": "?"}) == (422, "invalid")
        assert phones[0].step() == "masking"  # and it may still send the right one

    def test_update_of_who_left_the_first_step_out(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        step(phones[1:])
        pass_time()

        assert self.post(phones[0], "masked", self.masked()) == (409, "left-out")

    def test_ticket_of_another_round_and_none_at_all(self, api: Any) -> None:
        make_plan(noise=20.0)
        old = enter(api, 4)
        through(old)
        phones = enter(api, 4)
        step(phones)
        pass_time()

        foreign = {TICKET_HEADER: old[0]._headers[TICKET_HEADER]}
        assert self.post(phones[0], "masked", self.masked(), **foreign) == (403, "unknown-ticket")
        phones[0]._headers = {}
        assert self.post(phones[0], "masked", self.masked()) == (422, "missing-ticket")
        assert self.post(old[0], "masked", self.masked()) == (409, "wrong-phase")

    def test_shares_for_others_than_the_peers(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 4)
        sealed = base64.b64encode(bytes(80)).decode()

        for numbers in ([1], [1, 2, 3, 4], [7, 8, 9]):
            body = {"sealed": {str(n): sealed for n in numbers}}
            assert self.post(phones[0], "shares", body) == (422, "wrong-peers")

    def test_round_that_there_is_not(self, api: Any) -> None:
        path = "federation/rounds/00000000-0000-0000-0000-000000000000"
        assert api.get("federation/round").json()["code"] == "no-round"
        keys = {"mask_key": base64.b64encode(masks.KeyPair().public).decode()}
        keys["seal_key"] = keys["mask_key"]
        assert api.post(f"{path}/devices", keys).json()["code"] == "unknown-round"
        with pytest.raises(ApiError, match="404 unknown-round"):
            call(api, "GET", f"{path}/task", None, {TICKET_HEADER: "x"})

    def test_key_on_which_nobody_can_agree(self, api: Any) -> None:
        make_plan()
        rounds.advance(now_ms=now())
        path = f"federation/rounds/{Round.objects.get().pk}/devices"
        zero = base64.b64encode(bytes(32)).decode()

        assert api.post(path, {"mask_key": zero, "seal_key": zero}).json()["code"] == "invalid-key"
        assert api.post(path, {"mask_key": "AA==", "seal_key": zero}).status_code == 422

    def test_user_joins_a_round_once_and_no_more_than_may(self, api: Any, api_with: Any) -> None:
        make_plan(most=3)
        rounds.advance(now_ms=now())
        token = api.post("client-tokens", {"user_id": "alice"}).json()["token"]
        rng = np.random.default_rng(0)
        Phone(api_with(key=token)).enter(rng)
        with pytest.raises(ApiError, match="409 already-joined"):
            Phone(api_with(key=token)).enter(rng)
        for _ in range(2):
            Phone(api).enter(rng)

        with pytest.raises(ApiError, match="409 round-full"):
            Phone(api).enter(rng)

    def test_key_without_the_scope(self, api_with: Any) -> None:
        assert api_with("feed:read").get("federation/round").json()["code"] == "missing-scope"


class TestDeviceRefuses:
    def test_a_round_of_few_or_of_little_noise(self, api: Any) -> None:
        make_plan()
        rounds.advance(now_ms=now())
        for demands in ({"least": 4}, {"noise": 5.0}):
            with pytest.raises(RefusedError, match="too little"):
                Phone(api, **demands).enter(np.random.default_rng(0))
        assert not Device.objects.exists()

    def test_to_mask_with_few_of_its_peers(self, api: Any) -> None:
        make_plan()
        phones = enter(api, 10)
        step(phones[:4])
        pass_time()

        with pytest.raises(RefusedError, match="3 of 9 peers are left"):
            phones[0].step()

    def test_to_reveal_both_kinds_of_share_of_a_peer(self, api: Any) -> None:
        """Its seed and its mask key together would open its update."""
        make_plan()
        (phone, *_) = phones = enter(api, 4)
        to_unmasking(phones)
        task = phone._send("GET", f"{phone._path}/task", None, phone._headers)
        for lie in (
            {"dropped": task["survivors"]},
            {"survivors": task["survivors"][1:]},
            {"n_survivors": 2},
        ):
            with pytest.raises(RefusedError):
                phone._reveal({**task, **lie})

    def test_to_say_another_thing_when_asked_again(self, api: Any) -> None:
        make_plan()
        (phone, *_) = phones = enter(api, 4)
        step(phones)
        assert phone.step() == "sharing"  # nothing more is sent: it would be refused
        pass_time()
        send, sent = phone._send, []

        def broken(method: str, path: str, body: Any, headers: Any) -> Any:
            if method == "GET":
                return send(method, path, body, headers)
            sent.append(body)
            raise ConnectionError

        phone._send = broken
        for _ in range(2):
            with pytest.raises(ConnectionError):
                phone.step()
        phone._send = send
        phone.step()

        assert sent[0] == sent[1]
        device = Device.objects.exclude(masked=None).get()
        assert base64.b64encode(bytes(device.masked)).decode() == sent[0]["values"]
