"""No change of the log goes unseen."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.moderation.algorithms.chain import GENESIS, Link, digest, first_break


def chained(bodies: list[dict[str, Any]]) -> list[Link]:
    links: list[Link] = []
    for body in bodies:
        previous = links[-1].digest if links else GENESIS
        links.append(Link(body, previous, digest(body, previous)))
    return links


bodies = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers() | st.text(max_size=5)),
    min_size=1,
    max_size=8,
)


def test_digest_is_the_sha256_of_the_one_before_and_the_sorted_body() -> None:
    expected = hashlib.sha256(f'{GENESIS}\n{{"a":1,"b":2}}'.encode()).hexdigest()

    assert digest({"b": 2, "a": 1}, GENESIS) == expected


@settings(max_examples=40, deadline=None)
@given(bodies)
def test_untouched_chain_fits(rows: list[dict[str, Any]]) -> None:
    assert first_break(chained(rows)) is None


@settings(max_examples=40, deadline=None)
@given(bodies, st.data())
def test_changed_entry_is_found_at_its_place(rows: list[dict[str, Any]], data: Any) -> None:
    links = chained(rows)
    at = data.draw(st.integers(0, len(links) - 1))
    links[at] = links[at]._replace(body={**links[at].body, "z": 1})

    assert first_break(links) == at


def test_dropped_entry_breaks_the_one_after_it() -> None:
    links = chained([{"n": n} for n in range(5)])

    assert first_break(links[:2] + links[3:]) == 2
    assert first_break([]) is None
