"""Composition root: settings, URLs, the Celery app and the schedule. Nothing imports it."""

import os

# Requests multiply small matrices in many threads: a second BLAS thread only spins (six times the
# time a request, measured on two cores). Must be set before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from recsys.celery import app as celery_app

__all__ = ["celery_app"]
