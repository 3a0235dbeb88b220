"""`manage.py roll_up`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.content.tests.factories import make_content
from apps.core.leases import lease
from apps.events.tests.factories import make_event, send
from apps.insights import selectors
from apps.insights.services import LEASE
from apps.insights.tests.factories import TODAY, on_day

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_takes_in_everything_at_once() -> None:
    make_content("v1", now_ms=on_day(3))
    send(make_event(at_ms=on_day(1)), now_ms=on_day(1))
    assert selectors.data_until_ms() == 0
    out = StringIO()

    call_command("roll_up", stdout=out)

    assert out.getvalue() == "days worked out: 1\n"
    assert selectors.latest_day() == TODAY - 1
    assert selectors.data_until_ms() > on_day(1)


def test_it_does_not_run_beside_a_worker() -> None:
    with lease(LEASE), pytest.raises(CommandError, match="a worker"):
        call_command("roll_up")
