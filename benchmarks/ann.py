"""The vector index at size: how much it finds, how fast, how long to build, what a process holds.

Vectors are made like those of ALS: clusters of taste, lengths that grow with popularity. Each of
the query processes maps the same files; its private memory is what one more process costs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import ROOT, parser, report

_LIBRARY = os.environ.get("RECSYS_VECTOR_INDEX", "annoy")
_FACTORS, _K, _QUERIES, _INTERESTS = 64, 50, 300, 400


def main() -> None:
    """Build in one process, query in another."""
    arguments = parser(__doc__)
    arguments.add_argument("--contents", type=int, default=100_000)
    arguments.add_argument("--vectors", type=Path, help="a .npy of real vectors instead")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="recsys-ann-") as name:
        folder = Path(name)
        vectors = np.load(given.vectors) if given.vectors else made(given.contents)
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "queries.npy", queries(vectors))
        del vectors
        built, asked = _child("build", folder), _child("query", folder)
        files = sum(path.stat().st_size for path in folder.iterdir() if path.name != "queries.npy")
        report("ann", {**asked, **built, "file_mb": files / 2**20}, given.json)


def made(n: int) -> NDArray[np.float32]:
    """Return float32[n, 64]: clustered directions, lengths by a heavy-tailed popularity."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(_INTERESTS, _FACTORS)).astype(np.float32)
    out = np.empty((n, _FACTORS), np.float32)
    for start in range(0, n, 50_000):
        size = min(50_000, n - start)
        direction = centers[rng.integers(0, _INTERESTS, size)]
        direction = direction + 0.7 * rng.normal(size=(size, _FACTORS)).astype(np.float32)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = np.minimum(rng.pareto(1.5, size) + 0.1, 20) ** 0.5
        out[start : start + size] = direction * length[:, None].astype(np.float32)
    return out


def queries(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return viewers: means of a few contents near to one another, as a fold-in gives them."""
    rng = np.random.default_rng(1)
    sample = vectors[rng.choice(len(vectors), min(len(vectors), 20_000), replace=False)]
    directions = sample / np.maximum(np.linalg.norm(sample, axis=1, keepdims=True), 1e-9)
    found = []
    for seed in rng.choice(len(sample), _QUERIES):
        near = np.argsort(-(directions @ directions[seed]))[:8]
        found.append(sample[near].mean(axis=0))
    return np.array(found, np.float32)


def _child(task: str, folder: Path) -> dict[str, float]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    env["RECSYS_VAR_DIR"] = str(folder / "var")
    code = (
        f"from benchmarks import ann; from pathlib import Path; ann.{task}(Path({str(folder)!r}))"
    )
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-v0", "-c", code]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True, cwd=ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def build(folder: Path) -> None:
    """Build the shells and print how long it took."""
    from apps.candidates.index import build_shells

    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    start = time.perf_counter()
    build_shells(vectors, folder, library=_LIBRARY, seed=1)
    print(json.dumps({"build_s": time.perf_counter() - start}))


def query(folder: Path) -> None:
    """Ask with the least effort that finds enough, and print recall, times and memory."""
    from apps.candidates.index import ExactIndex, ShellIndex, measured_recall, open_shells, shells
    from apps.candidates.services.store import EFFORTS, MIN_RECALL

    shells.EXACT_UP_TO = 0  # the shells are what is measured
    before = _private_mb()
    start = time.perf_counter()
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")

    def opened(effort: int) -> ShellIndex:
        return open_shells(folder, vectors, np.arange(len(vectors)), effort=effort)

    index = opened(EFFORTS[0])
    load_s = time.perf_counter() - start
    process_mb = _private_mb() - before
    tuning, asked = np.split(np.load(folder / "queries.npy"), [100])
    effort = next(
        effort
        for effort in EFFORTS
        if measured_recall(opened(effort), vectors, tuning, k=_K) >= MIN_RECALL
    )
    index = opened(effort)
    nothing = np.zeros(len(vectors), np.bool_)
    exact, ms, exact_ms, shares = ExactIndex(vectors), [], [], []
    for vector in asked:
        start = time.perf_counter()
        found = index.search(vector, _K, nothing)
        ms.append((time.perf_counter() - start) * 1000)
        start = time.perf_counter()
        true = exact.search(vector, _K, nothing)
        exact_ms.append((time.perf_counter() - start) * 1000)
        shares.append(len(np.intersect1d(found, true)) / _K)
    p50, p99 = np.percentile(ms, [50, 99])
    figures = {
        "contents": len(vectors),
        "recall_at_50": float(np.mean(shares)),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "exact_p50_ms": float(np.median(exact_ms)),
        "effort": effort,
        "load_s": load_s,
        "process_mb": process_mb,
    }
    print(json.dumps(figures))


def _private_mb() -> float:
    """Return the memory that belongs to this process alone."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


if __name__ == "__main__":
    main()
