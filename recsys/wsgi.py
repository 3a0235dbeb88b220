"""The WSGI application; it keeps its state fresh in a thread and, without Redis, works tasks."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402  Django must be set up first.

import recsys.urls  # noqa: E402, F401  Registers everything that is kept in memory.
from apps.core import live  # noqa: E402

live.refresh_all()
live.start_refreshing()

if settings.EMBEDDED_WORKER:
    from recsys import embedded

    embedded.start()
