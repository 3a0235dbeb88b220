"""Run every benchmark and print one table."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

BENCHMARKS = (
    "feed",
    "ingest",
    "freshness",
    "offline",
    "replay",
    "ann",
    "ranking",
    "drift",
    "promotion",
    "off_policy",
    "experiments",
    "trends",
    "removed",
    "diversity",
    "exploration",
    "cold_start",
    "exposure",
)


def main() -> None:
    """Run them one after the other; a failed one is named and the others go on."""
    folder = Path(__file__).parent
    rows = []
    with tempfile.TemporaryDirectory() as out:
        for name in BENCHMARKS:
            target = Path(out) / f"{name}.json"
            command = [sys.executable, str(folder / f"{name}.py"), "--json", str(target)]
            done = subprocess.run(command, check=False)
            figures = json.loads(target.read_text()) if done.returncode == 0 else {"failed": "yes"}
            rows += [(name, key, value) for key, value in figures.items()]
    print("\n| benchmark | figure | value |\n| --- | --- | --- |")
    for name, key, value in rows:
        shown = f"{value:,.3f}" if isinstance(value, float) else value
        print(f"| {name} | {key} | {shown} |")


if __name__ == "__main__":
    main()
