"""Commands that run in a process of their own, which can neither slow nor crash this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

from apps.core.errors import RecsysError


class ChildError(RecsysError):
    """A command that ran in a child process failed."""


def run_in_child(*arguments: str, seconds: int) -> None:
    """Run `manage.py arguments --quiet`; raises `ChildError` with what it said when it fails."""
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments, "--quiet"]
    result = subprocess.run(  # noqa: S603  fixed program
        command, capture_output=True, text=True, check=False, timeout=seconds
    )
    if result.returncode != 0:
        raise ChildError(
            f"manage.py {arguments[0]} ended with {result.returncode}: {result.stderr[-500:]}"
        )
