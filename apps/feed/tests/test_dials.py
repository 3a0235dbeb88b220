"""What a request's parameters make of its page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from apps.candidates.tests.factories import NOW_MS, make_catalog, make_log, make_request
from apps.core.clock import HOUR_MS
from apps.feed.conf import PARAMS
from apps.feed.dials import exploration_of

ARCHIVE = make_catalog(6)
UPLOADED = make_catalog(6, uploaded_ms=np.full(6, NOW_MS - HOUR_MS))


@pytest.mark.parametrize(
    ("catalog", "share", "expected"),
    [
        (ARCHIVE, 0.03, 0.03),
        (UPLOADED, 0.03, PARAMS.explore_most),  # nobody watches yet: all that may be given
        (UPLOADED, 0.0, 0.0),  # off is off
        (UPLOADED, 0.3, 0.3),  # more than what is owed may ask for
    ],
)
def test_exploring_grows_while_uploads_are_owed_views(
    monkeypatch: pytest.MonkeyPatch, catalog: Any, share: float, expected: float
) -> None:
    monkeypatch.setattr("apps.feed.dials.PARAMS", replace(PARAMS, explore_share=share))
    request = make_request(catalog, log=make_log([(1, 0)]))
    assert exploration_of(request).content_share == expected
