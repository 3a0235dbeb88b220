"""Let a child process decode a file, and take what it found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import msgspec
from django.conf import settings
from django.core.files.storage import default_storage

from apps.core.errors import RecsysError
from apps.media.analysis import UNREADABLE
from apps.media.conf import CHILD_SECONDS
from apps.media.encoder import weights_path
from apps.media.types import Found


class AnalysisError(RecsysError):
    """The analysis failed; `is_final` where trying again is of no use."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


def analyze_stored(name: str) -> Found:
    """Return what is found in a stored file; raises `AnalysisError`."""
    try:
        with default_storage.open(name) as stored, tempfile.NamedTemporaryFile() as local:
            shutil.copyfileobj(stored, local)
            local.flush()
            return _analyze(local.name)
    except OSError as error:
        raise AnalysisError(f"the file cannot be read: {error}") from error


def _analyze(path: str) -> Found:
    weights = weights_path(settings.VISUAL_MODEL)
    command = [sys.executable, "-m", "apps.media.analysis", path, *([str(weights)] * bool(weights))]
    # Nothing of our environment: it holds secrets. One thread: the others are for requests.
    environment = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        result = subprocess.run(  # noqa: S603  fixed program
            command,
            cwd=settings.BASE_DIR,
            env=environment,
            capture_output=True,
            check=False,
            timeout=2 * CHILD_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise AnalysisError(f"it took over {2 * CHILD_SECONDS} s") from error
    if result.returncode == 0:
        return msgspec.json.decode(result.stdout, type=Found)
    said = result.stderr.decode(errors="replace")[-300:]
    is_final = result.returncode == UNREADABLE
    raise AnalysisError(
        said if is_final else f"it ended with {result.returncode}: {said}", is_final=is_final
    )
