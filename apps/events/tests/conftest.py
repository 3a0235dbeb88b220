"""What tests of events share."""

from __future__ import annotations

import pytest

from apps.content.models import Content
from apps.content.tests.factories import make_content


@pytest.fixture
def v1() -> Content:
    return make_content("v1")
