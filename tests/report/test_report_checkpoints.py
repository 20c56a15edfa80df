"""The report says of each checkpoint what it holds and what it cost."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb
import pytest

from leanvlm.report import queries, words
from leanvlm.report.page import page
from tests.report.synthetic_grid import CHECKPOINTS, Grid

Store = duckdb.DuckDBPyConnection


def test_layers_count_by_their_weights(whole: Store) -> None:
    """Of 4 Mi weights, 1 Mi with a tenth of zeros in 8 bits and 3 Mi with half of them in 4."""
    for row in queries.rows(whole, "checkpoints/checkpoints"):
        assert row["zero_share"] == pytest.approx((0.1 + 3 * 0.5) / 4)
        assert row["bits_per_weight"] == pytest.approx((8 + 3 * 4) / 4)
        assert (row["least_kept"], row["most_kept"]) == (0.25, 0.5)
        assert (row["full_bytes"], row["stored_bytes"], row["packed_bytes"]) == (8 * 2**20, 4 * 2**20, 2 * 2**20)


def test_page_shows_every_checkpoint(html: str) -> None:
    section = re.search(r'<section id="checkpoints">.*?</table>', html, re.DOTALL)
    assert section
    assert re.findall(r'<th scope="row" data-sort="(.*?)">', section[0]) == sorted(CHECKPOINTS)
    for shown in ("40.0&nbsp;%", "5.00", "25 % to 50 %", "8.0 MiB", "4.0 MiB", "2.0 MiB", "12.5", "1.5 GiB"):
        assert f">{shown}<" in section[0]


def test_page_without_checkpoints_says_so(store_of: Callable[[Grid], Store]) -> None:
    text = page.render(store_of(Grid(left_out=CHECKPOINTS)), n_flips=1)
    assert "No recipe of the grid acts on weights." in text


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3_250_585, "3.1 MiB"), (2**60, "1048576.0 TiB"), (None, "–")],
)
def test_sizes_are_in_the_largest_unit_that_they_fill(n_bytes: int | None, shown: str) -> None:
    assert words.size(n_bytes) == shown
