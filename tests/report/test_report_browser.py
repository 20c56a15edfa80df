"""A browser shows the page without the network and without complaint, and sorts the leaderboard."""

from __future__ import annotations

import html as entities
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from leanvlm.checks import page as data_docs
from leanvlm.checks.validate import Finding
from leanvlm.report.page import page
from tests.report import hostile
from tests.report.synthetic_grid import RECIPES

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
)
TIMEOUT_SECONDS = 60
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
PREFILL = """
const headers = document.querySelectorAll("table.leaderboard thead th");
[...headers].find((one) => one.textContent.includes("Prefill")).querySelector("button").click();
const rows = [...document.querySelectorAll("table.leaderboard tbody tr")];
return rows.map((row) => Number(row.cells[9].dataset.sort));
"""
DRAWN = """
return [...document.querySelectorAll("svg.plot")].map((plot) => [
  plot.getBoundingClientRect().width, plot.querySelectorAll("g.point").length,
]);
"""
ARROWS = """
const points = [...document.querySelectorAll("#pareto svg.plot")[0].querySelectorAll("g.point[tabindex]")];
const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const tip = document.querySelector(".tip");
points.find((one) => one.getAttribute("tabindex") === "0").focus();
const told = [tip.textContent];
for (let n = 1; n < points.length; n += 1) { press("ArrowRight"); told.push(tip.textContent); }
const wasHidden = tip.hidden;
press("Escape");
return [told, wasHidden, tip.hidden, document.querySelectorAll("#pareto g.point[tabindex='0']").length];
"""
FILTER = """
const flips = [...document.querySelectorAll("article.flip")];
const visible = () => flips.filter((flip) => !flip.hidden).length;
const seen = [visible()];
document.querySelector("button.more").click();
seen.push(visible(), flips.indexOf(document.activeElement));
const select = document.querySelector("select[name=flip]");
select.value = "won";
select.dispatchEvent(new Event("change", { bubbles: true }));
const kinds = new Set(flips.filter((flip) => !flip.hidden).map((flip) => flip.dataset.flip));
return [...seen, [...kinds], document.querySelector("output").value];
"""
PHONE = """
for (const script of document.querySelectorAll("script")) script.remove(); // it ran, and must not run in itself
const frame = document.createElement("iframe");
frame.width = 390;
frame.height = 844;
frame.srcdoc = document.documentElement.outerHTML;
document.body.replaceChildren(frame);
frame.addEventListener("load", () => {
  const page = frame.contentDocument.documentElement;
  document.title = JSON.stringify([page.clientWidth, page.scrollWidth]);
});
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser, or a skip; LEANVLM_REQUIRE_BROWSER=1 makes a missing one a failure."""
    found = shutil.which("chromium")
    if found is None:
        reason = "no browser: chromium is not on PATH (Debian: apt-get install chromium)"
        if os.environ.get("LEANVLM_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


Show = Callable[..., subprocess.CompletedProcess[str]]
Store = duckdb.DuckDBPyConnection


@pytest.fixture
def show(chromium: str, tmp_path: Path) -> Show:
    """Show a page in a fresh profile and return what the browser prints."""

    def shown(text: str, *flags: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "index.html"
        path.write_text(text, encoding="utf-8")
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, path.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)

    return shown


def requested(log: Path) -> list[str]:
    """List what a page asked of the network; what the browser asks for itself has no origin."""
    asked = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    ours = [one for one in asked if one.get("initiator", "not an origin") != "not an origin"]
    return [one["url"] for one in ours if one.get("url", "").startswith("http")]


def test_page_renders_without_errors_or_network(show: Show, html: str, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    done = show(html, "--dump-dom", f"--log-net-log={log}")
    assert done.stdout.count("<tr") > 20
    assert '<button type="button">Recipe</button>' in done.stdout  # our script ran under the page's policy
    assert "CONSOLE" not in done.stderr
    assert requested(log) == []


def test_another_page_would_be_caught(show: Show, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    done = show('<img src="http://evil.example/x.png"><script>oh no</script>', "--dump-dom", f"--log-net-log={log}")
    assert "CONSOLE" in done.stderr
    assert set(requested(log)) == {"http://evil.example/x.png"}


def test_hostile_answer_in_a_browser_is_only_text(show: Show, html: str) -> None:
    dom = show(html, "--dump-dom").stdout
    assert dom.count("<script") == 1
    assert "onerror=alert(1)&gt;" in dom
    assert 'src="http' not in dom


@pytest.mark.parametrize("has_policy", [True, False])
@pytest.mark.parametrize("name", ["report", "data docs"])
def test_hostile_texts_do_nothing_with_and_without_the_policy(
    show: Show, spelt_pages: dict[str, str], *, name: str, has_policy: bool
) -> None:
    finding = Finding(hostile.LONG, hostile.LONG, is_met=False, n_rows=1, n_failing=1, rows=[hostile.LONG])
    text = spelt_pages["hostile"] if name == "report" else data_docs.page([finding])
    done = show(text if has_policy else POLICY.sub("", text), "--dump-dom", "--virtual-time-budget=3000")
    assert title(done.stdout) == title(text)  # nothing wrote it, and nothing led elsewhere
    assert h1(done.stdout) == h1(text)
    assert "CONSOLE" not in done.stderr


@pytest.mark.parametrize("text", [hostile.SHORT, hostile.LONG])
def test_hostile_texts_would_act_as_markup(show: Show, text: str) -> None:
    page = f"<!doctype html><title>quiet</title><h1>{text}</h1>"
    assert title(show(page, "--dump-dom", "--virtual-time-budget=3000").stdout) != "quiet"


def title(text: str) -> str:
    """Return a page's title."""
    return entities.unescape(text.split("<title>")[1].split("</title>")[0])


def h1(text: str) -> str:
    """Return a page's heading."""
    return text.split("<h1>")[1].split("</h1>")[0]


@pytest.fixture
def ask(show: Show) -> Callable[[str, str], Any]:
    """Run a script in a page and return what it returns; the page's policy, which forbids that, is taken out."""

    def asked(text: str, script: str) -> Any:
        told = f"<script>{{ const told = (() => {{ {script} }})(); if (told) document.title = JSON.stringify(told); }}"
        text = POLICY.sub("", text).replace("</body>", told + "</script></body>")
        title = re.search(r"<title>([^<]*)</title>", show(text, "--dump-dom", "--virtual-time-budget=3000").stdout)
        assert title
        return json.loads(entities.unescape(title[1]))

    return asked


def test_clicking_a_header_sorts_by_number(ask: Callable[[str, str], Any], html: str) -> None:
    values = ask(html, PREFILL)
    assert len(values) == len(RECIPES)
    assert values == sorted(values)


def test_every_plot_is_drawn(ask: Callable[[str, str], Any], html: str) -> None:
    drawn = ask(html, DRAWN)
    assert len(drawn) == html.count('<svg class="plot"') > 5
    assert all(width > 150 and n_points > 0 for width, n_points in drawn)


def test_arrow_keys_walk_through_a_plot_and_tell_each_point(ask: Callable[[str, str], Any], html: str) -> None:
    told, was_hidden, is_hidden, n_stops = ask(html, ARROWS)
    assert {text.split(":")[0] for text in told} <= {name.split(":")[0] for name in RECIPES}
    assert len(set(told)) == len(RECIPES) - 1  # all but blind
    assert (was_hidden, is_hidden) == (False, True)
    assert n_stops == 2  # one a plot


def test_flips_are_shown_by_the_dozen_and_filtered(ask: Callable[[str, str], Any], whole: Store) -> None:
    text = page.render(whole, n_flips=60)
    n_won = text.count('data-flip="won"')
    first, more, focused, kinds, said = ask(text, FILTER)
    assert (first, more, focused) == (12, 24, 12)
    assert kinds == ["won"]
    assert said == f"{min(12, n_won)} of {n_won} shown"


def test_page_is_no_wider_than_a_phone(ask: Callable[[str, str], Any], html: str) -> None:
    visible, needed = ask(html, PHONE)
    assert visible == needed
    assert 370 <= visible <= 390


def test_screenshots_differ_between_light_and_dark(show: Show, html: str, tmp_path: Path) -> None:
    pictures = []
    for scheme in ("1", "0"):
        picture = tmp_path / f"{scheme}.png"
        show(
            html,
            f"--screenshot={picture}",
            "--window-size=1200,900",
            f"--blink-settings=preferredColorScheme={scheme}",
        )
        pictures.append(picture.read_bytes())
    assert all(len(picture) > 20_000 for picture in pictures)
    assert pictures[0] != pictures[1]
