"""Throughput of `recommend` (viewers a second) and `score` (rows a second)."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import manage, parser, report, workspace

_PAIRS = """
import csv, sys
from apps.events.models import Event
from apps.content.models import Content
ids = dict(Content.objects.values_list("pk", "content_id"))
columns = ("viewer_id", "content_id", "occurred_ms")
events = Event.objects.filter(kind=1).order_by("-occurred_ms").values_list(*columns)[:100000]
with open("{path}", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["user_id", "content_id", "timestamp"])
    for viewer, content, at in reversed(list(events)):
        writer.writerow([f"viewer_{viewer:04d}", ids[content], at])
"""


def main() -> None:
    """Seed, train, then rank for every viewer and score the latest views."""
    given = parser(__doc__).parse_args()
    with workspace() as env:
        folder = Path(env["RECSYS_VAR_DIR"])
        manage(env, "seed_demo", "--quiet")
        manage(env, "train", "--quiet")
        users, pairs = folder / "users.csv", folder / "pairs.csv"
        with users.open("w", newline="") as file:
            csv.writer(file).writerows([f"viewer_{n:04d}"] for n in range(1, 2001))
        manage(env, "shell", "--no-imports", "-v0", "-c", _PAIRS.replace("{path}", str(pairs)))
        recommended = manage(
            env,
            "recommend",
            "--quiet",
            "--users",
            str(users),
            "--k",
            "20",
            "--out",
            f"{folder}/r.csv",
        )
        scored = manage(env, "score", "--pairs", str(pairs), "--out", f"{folder}/s.csv")
        learned = manage(env, "score", "--learn", "--pairs", str(pairs), "--out", f"{folder}/l.csv")
    report(
        "offline",
        {
            "recommend_users_per_s": _rate(recommended),
            "score_rows_per_s": _rate(scored),
            "score_learn_rows_per_s": _rate(learned),
        },
        given.json,
    )


def _rate(printed: str) -> float:
    """Return the rate that a command printed as `(N/s)`."""
    match = re.search(r"\(([\d,]+)/s\)", printed)
    if match is None:
        raise RuntimeError(f"no rate in {printed!r}")
    return float(match[1].replace(",", ""))


if __name__ == "__main__":
    main()
