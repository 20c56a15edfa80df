"""The section on a pretrained decoder: what the bench measured, of which code, and which orders were kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from leanvlm.errors import InputError
from leanvlm.report.page import page
from stages import report

INTERVAL = {"difference": 0.512, "low": 0.4, "high": 0.6}
MEASURED: dict[str, Any] = {
    "settings": {
        "windows": 40,
        "window": 512,
        "prompt": 384,
        "source": "a <b>book</b>",
        "seconds": 100,
        "peak_mib": 2000,
        "date": "2026-11-26",
        "commit": "abc1234",
        "failed": {"weights/awq@w4a16-g64": "<script>no</script>"},
        "left_out": ["tokens/fastv", "tokens/tome"],
        "orders": [{"claim": "a < b", "source": "arXiv 1", "verdict": "broken", **INTERVAL}],
    },
    "rows": [{"acts_on": "weights", "recipe": "weights/wanda@50%", "nats": 3.25, **INTERVAL}],
}


@pytest.fixture(scope="module")
def section(whole: duckdb.DuckDBPyConnection) -> str:
    html = page.render(whole, n_flips=1, decoder=MEASURED)
    return html[html.index('<section id="decoder">') :].split("</section>")[0]


def test_costs_and_orders_stand_with_their_intervals(section: str) -> None:
    assert '<td class="n">3.250</td><td class="n">0.512<small>0.400 to 0.600</small></td>' in section
    assert '<span class="verdict worse">broken</span>' in section


def test_the_section_says_what_was_measured_and_what_was_not(section: str) -> None:
    assert "2026-11-26" in section
    assert "<code>abc1234</code>" in section
    assert "tokens/fastv, tokens/tome" in section


def test_what_the_bench_wrote_is_text(section: str) -> None:
    assert "a &lt;b&gt;book&lt;/b&gt;" in section
    assert "&lt;script&gt;no&lt;/script&gt;" in section


def test_without_a_measurement_it_says_how_to_make_one(whole: duckdb.DuckDBPyConnection) -> None:
    assert "<code>make bench-decoder</code> fetches one" in page.render(whole, n_flips=1)


@pytest.mark.parametrize("damaged", ['{"settings": {"win', "[]", "null", "\xff", "[" * 100_000])
def test_figures_that_are_damaged_are_one_sentence(damaged: str, tmp_path: Path) -> None:
    path = tmp_path / "decoder.json"
    path.write_text(damaged, encoding="latin-1")
    with pytest.raises(InputError, match=r"decoder\.json holds no figures \(.*\); run `make bench-decoder` to measure"):
        report._stored(path, "make bench-decoder")
    assert report._stored(tmp_path / "nowhere.json", "make bench-decoder") is None
