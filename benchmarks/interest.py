"""Whether the order of a feed follows interest, and not length: the demo world knows the truth.

Run it over a database that `manage.py seed_demo` has filled and `manage.py train` has learned from.
Interest is the world's own watch logit of a rested viewer without its term of duration. Figures are
rank correlations over all candidates of 100 active viewers (spec §5.2; goal: ≥ .75 with interest,
within ±.05 with duration).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

from apps.simulation.interest import correlations
from apps.simulation.world import WorldParams, build_world
from benchmarks.common import parser, report


def main() -> None:
    """Print how the score, and what it is made of, go with interest and with duration."""
    given = parser(__doc__).parse_args()
    found = correlations(build_world(WorldParams()), n_viewers=100)
    figures = {f"{name}_{of}": rho for name, both in found.items() for of, rho in both.items()}
    report("interest", figures, given.json)


if __name__ == "__main__":
    main()
