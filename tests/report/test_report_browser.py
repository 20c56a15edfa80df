"""A browser shows the page without the network and without complaint, and sorts the leaderboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
TIMEOUT_SECONDS = 120
CLICK = """<script>
const headers = document.querySelectorAll("table.leaderboard thead th");
const button = [...headers].find((one) => one.textContent.includes("Prefill")).querySelector("button");
button.click();
const rows = [...document.querySelectorAll("table.leaderboard tbody tr")];
document.title = rows.map((row) => row.cells[9].dataset.sort).join();
</script>"""


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


@pytest.fixture
def show(chromium: str, tmp_path: Path) -> Show:
    """Show a page in a fresh profile and return what the browser prints."""

    def shown(text: str, *flags: str) -> subprocess.CompletedProcess[str]:
        page = tmp_path / "index.html"
        page.write_text(text, encoding="utf-8")
        command = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, page.as_uri()]
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


def test_clicking_a_header_sorts_by_number(show: Show, html: str) -> None:
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    dom = show(policy.sub("", html).replace("</body>", CLICK + "</body>"), "--dump-dom").stdout
    title = re.search(r"<title>([^<]*)</title>", dom)
    assert title
    values = [float(value) for value in title[1].split(",")]
    assert len(values) > 10
    assert values == sorted(values)


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
