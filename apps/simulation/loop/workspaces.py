"""Empty installations that are thrown away, each with a process of its own for one run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core.errors import RecsysError
from apps.simulation.loop.scenario import ScenarioParams
from apps.simulation.types import WorldParams

Run = dict[str, Any]  # what `simulate_policy` prints


class RunError(RecsysError):
    """A run ended before its figures were there."""


@contextmanager
def workspaces() -> Iterator[Path]:
    """Give a folder with an installation, migrated and empty, to copy for each run."""
    with tempfile.TemporaryDirectory(prefix="recsys-simulation-") as folder:
        template = Path(folder) / "template"
        template.mkdir()
        _manage(_environment(template, 0), "migrate", "--verbosity", "0")
        yield template


def run_policy(template: Path, policy: str, params: ScenarioParams) -> Run:
    """Run one policy in an installation of its own."""
    start_ms = WorldParams(n_days=params.n_days).start_ms
    return run_in_copy(template, start_ms, "simulate_policy", policy, *as_options(asdict(params)))


def run_in_copy(template: Path, start_ms: int, *command: str) -> Run:
    """Run a command in a copy of the installation, which is removed, from a moment of its own.

    Returns the JSON that it prints.
    """
    with tempfile.TemporaryDirectory(dir=template.parent) as name:
        folder = Path(name) / "copy"
        shutil.copytree(template, folder)
        return dict(json.loads(_manage(_environment(folder, start_ms), *command)))


def as_options(values: Mapping[str, Any]) -> list[str]:
    """Return the arguments by which a command is given these values."""
    given: list[str] = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            given.append(option)
        elif value is not False:
            given += [option, str(value)]
    return given


def _environment(folder: Path, virtual_ms: int) -> dict[str, str]:
    """Return an environment in which nothing but `folder` is touched.

    Counters and catalogue are followed by the simulation itself, as often as the clock moves;
    retrieval is not tuned: that takes minutes of the real clock a night.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    kept.pop("DATABASE_URL", None)
    kept.pop("REDIS_URL", None)
    return {
        **kept,
        "RECSYS_VAR_DIR": str(folder),
        "RECSYS_VIRTUAL_MS": str(virtual_ms),
        "RECSYS_REFRESH_SECONDS": "1",
        "RECSYS_TUNE_MINUTES": "0",
        "RECSYS_EMBEDDED_WORKER": "0",
        "RECSYS_LOG_LEVEL": "ERROR",
    }


def _manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]
    done = subprocess.run(  # noqa: S603  fixed program
        command, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RunError(f"manage.py {' '.join(arguments[:2])} failed: {done.stderr[-1500:]}")
    return done.stdout
