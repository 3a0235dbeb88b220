"""The specification map names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROWS = [
    line for line in (ROOT / "docs/spec-map.md").read_text().splitlines() if line.startswith("| ")
][1:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_every_path_of_the_map_exists(row: str) -> None:
    for path in re.findall(r"`([\w./-]+\.\w+|\.ci/run)`", row):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_section_without_a_module_says_not_yet(row: str) -> None:
    _, _, module, _, state, _ = (cell.strip() for cell in row.split("|"))
    assert module or "not yet" in state


def test_every_section_of_the_specification_is_in_the_map() -> None:
    sections = {row.split("|")[1].strip().split()[0].rstrip(",") for row in ROWS}
    wanted = {
        "1",
        "2.1",
        "2.2",
        "2.3",
        "3.1",
        "3.2",
        "3.3",
        "3.4",
        "4.1",
        "4.2",
        "4.3",
        "5.1",
        "5.2",
        "5.3",
        "7",
    }
    wanted |= {
        "6.1",
        "6.3",
        "8.1",
        "8.2",
        "8.3",
        "8.4",
        "9.1",
        "9.2",
        "9.3",
        "10.1",
        "10.2",
        "10.3",
    }
    assert wanted | {"11.1", "11.2", "11.3", "12.1", "12.2", "12.3"} <= sections
