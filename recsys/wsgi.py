"""The WSGI application; with no Redis it also starts the embedded worker."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")
application = get_wsgi_application()

from django.conf import settings  # noqa: E402  Django must be set up first.

if settings.EMBEDDED_WORKER:
    from recsys import embedded

    embedded.start()
