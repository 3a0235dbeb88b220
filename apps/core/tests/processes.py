"""Processes beside a test: they see its database, of which only what is committed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

MANAGE = str(settings.BASE_DIR / "manage.py")


def env_of_test(var_dir: Path, *, redis_url: str = "") -> dict[str, str]:
    """Return the environment of a process on the test's database, with a folder of its own."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{at['NAME']}"
    else:
        who = f"{at['USER']}:{at['PASSWORD']}".rstrip(":")
        url = f"postgres://{who}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"
    given = {"DATABASE_URL": url, "RECSYS_VAR_DIR": str(var_dir), "REDIS_URL": redis_url}
    return {**os.environ, **given}


def python(code: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """Start code in a process of its own, in which Django is set up; what it prints is piped."""
    shell = [sys.executable, MANAGE, "shell", "--no-imports", "-v0", "-c", code]
    return subprocess.Popen(
        shell, env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
