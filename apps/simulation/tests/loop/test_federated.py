"""Phones of a small world that train together: what they learn, and what the server never hears."""

from __future__ import annotations

import pytest

from apps.core.auth import create_key
from apps.core.models import Scope
from apps.events.models import Event, Slate
from apps.federation.models import Device, Round
from apps.profiles.models import Viewer
from apps.profiles.pseudonyms import pseudonym
from apps.simulation.loop.federated import FederatedParams, FederatedRun
from apps.simulation.loop.server import VirtualServer
from apps.simulation.types import WorldParams

PARAMS = FederatedParams(devices=60, senders=40, contents=200, rounds=2, noise=5.0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("virtual_clock")
def test_phones_learn_and_nothing_that_they_watched_is_at_the_server() -> None:
    key = create_key(name="tests", scopes=list(Scope.values))
    run = FederatedRun(PARAMS, VirtualServer(WorldParams().start_ms, key=key, works=False))

    found = run.run()

    assert found["rounds"] == 2
    assert found["updates_a_round"] < found["training_devices"]
    assert 0 < found["epsilon"] < 8
    assert found["auc"]["clear"] > 0.5
    senders = {pseudonym(name) for name in run.world.viewers.id[: PARAMS.senders]}
    assert set(Viewer.objects.values_list("pseudonym", flat=True)) <= senders
    assert Event.objects.count() > 100
    assert not Slate.objects.exists()
    assert not Device.objects.exists()
    assert all(r.phase == Round.Phase.CLOSED for r in Round.objects.all())
