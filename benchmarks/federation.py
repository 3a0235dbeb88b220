"""What training on devices loses on KuaiRand (DIR): sums and noise against central training.

Users with even numbers are devices that send nothing, the others' views make the cards, as of the
evening before. Every fifth device takes no part; it is judged on the day after the training. Sums
are added up in the clear, noise included: that masks change nothing is a test.

    python benchmarks/federation.py --data DIR [--day validation|test] [--json FILE]
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from apps.federation.algorithms import averaging, masks, skellam
from apps.federation.conf import FEATURES
from apps.federation.device.taste import Taste
from benchmarks.common import parser, report

DAYS = {"validation": 5, "test": 6}  # 29 and 30 April 2022, China time
ROUNDS, LOST, NOISE, CLIP, RATE, DELTA = 10, 0.2, 3.0, 1.0, 0.2, 1e-5
LOCAL_STEPS = (1, 3)
Views = pd.DataFrame  # user, day, label and features, a row a view


def main() -> None:
    """Train in all ways, judge, report."""
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--day", choices=DAYS, default="validation")
    options = arguments.parse_args()
    views, judged_on = views_of_devices(options.data), DAYS[options.day]
    is_held_out = views["user"] // 2 % 5 == 0
    train = views[~is_held_out & (views["day"] < judged_on)]
    test = views[is_held_out & (views["day"] == judged_on)]
    devices = [
        (x[list(FEATURES)].to_numpy(), x["label"].to_numpy()) for _, x in train.groupby("user")
    ]

    def auc(weights: np.ndarray) -> str:
        scores = test[list(FEATURES)].to_numpy() @ weights
        return f"{roc_auc_score(test['label'], scores):.4f}"

    central = LogisticRegression(C=1e6, fit_intercept=False, max_iter=1000)
    central.fit(train[list(FEATURES)].to_numpy(), train["label"])
    loss = skellam.privacy_loss(clip=CLIP, scale=1e6, noise=NOISE, n_values=len(FEATURES))
    found: dict[str, Any] = {
        "devices": len(devices),
        "median views": float(np.median([len(labels) for _, labels in devices])),
        "judged views": len(test),
        "AUC card's rate": auc(np.eye(len(FEATURES))[FEATURES.index("content_rate")]),
        "AUC central": auc(central.coef_[0]),
        "epsilon": skellam.epsilon(ROUNDS * loss, DELTA),
    }
    for steps in LOCAL_STEPS:
        for noise in (0.0, NOISE):
            name = f"AUC {steps} local step(s), noise {noise:g}"
            found[name] = auc(federated(devices, steps=steps, noise=noise))
    report(f"training on devices, KuaiRand, {options.day} day", found, options.json)


def views_of_devices(folder: Path) -> Views:
    """Return the views of even users, with features as they were."""
    log = pd.read_parquet(folder / "impressions.parquet").sort_values("timestamp_ms")
    log["day"] = (log["timestamp_ms"] + 8 * 3_600_000) // 86_400_000
    log["day"] -= log["day"].min()
    videos = pd.read_parquet(folder / "videos.parquet").set_index("video_id")
    creators, tags = videos["author_id"].to_dict(), videos["tag"].fillna("").astype(str).to_dict()
    counts: dict[tuple[str, object], float] = defaultdict(
        float, {("views", None): 1, ("long", None): 0.3}
    )
    tastes: dict[int, Taste] = {}
    rows = []

    def rate(key: object, prior: float) -> float:
        average = counts["long", None] / counts["views", None]
        smoothed = (counts["long", key] + prior * average) / (counts["views", key] + prior)
        return float(np.log(smoothed / (1 - smoothed)) - np.log(average / (1 - average)))

    for day, shown in log.groupby("day"):
        columns = ("user_id", "item_id", "long_view")
        seen = list(zip(*(shown[name].tolist() for name in columns), strict=True))
        for user, video, is_long in (one for one in seen if one[0] % 2 == 0):
            card = {
                "creator_id": creators.get(video),
                "category": tags.get(video, "").split(",")[0],
                "language": "zh",
                "long_view_seconds": 1.0,
                "content_rate": rate(("content", video), 10.0),
                "creator_rate": rate(("creator", creators.get(video)), 20.0),
            }
            taste = tastes.setdefault(user, Taste("zh"))
            rows.append((user, day, is_long, *taste.features([card])[0]))
            taste.learn(card, float(is_long))
        for _, video, is_long in (one for one in seen if one[0] % 2):
            for key in (None, ("content", video), ("creator", creators.get(video))):
                counts["views", key] += 1
                counts["long", key] += is_long
    views = pd.DataFrame(rows, columns=["user", "day", "label", *FEATURES])
    return views[views["day"] >= 2]  # before that nothing is known of any content


def federated(
    devices: list[tuple[np.ndarray, np.ndarray]], *, steps: int, noise: float
) -> np.ndarray:
    """Return the weights after all rounds, of which each device misses one in five."""
    rng = np.random.default_rng(0)
    least = int(len(devices) * (1 - LOST) * 0.9)
    scale = skellam.fitting_scale(clip=CLIP, noise=NOISE, least=least, most=len(devices))
    variance = (noise * CLIP * scale) ** 2 / least
    weights = np.zeros(len(FEATURES))
    for _ in range(ROUNDS):
        here = [one for one in devices if rng.random() >= LOST]
        updates = (averaging.local_update(weights, *one, rate=RATE, steps=steps) for one in here)
        total = masks.summed(
            (
                skellam.encode(averaging.clipped(u, CLIP), scale=scale, variance=variance, rng=rng)
                for u in updates
            ),
            len(FEATURES),
        )
        weights = weights + skellam.decode(total, scale=scale) / len(here)
    return weights


if __name__ == "__main__":
    main()
