"""How many faults of a kind are tried, and the table of those that held."""

from __future__ import annotations

import ast
import random
from collections import Counter
from pathlib import Path

import pytest

SHARE_OF_FEW = 20
FOLDER = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `number` as many as its module says in TRIES, or a twentieth of them."""
    if "number" in metafunc.fixturenames:
        tries = metafunc.module.TRIES
        n = tries if metafunc.config.getoption("--faults") == "all" else max(2, tries // SHARE_OF_FEW)
        metafunc.parametrize("number", range(n))


@pytest.fixture
def rng(number: int, request: pytest.FixtureRequest) -> random.Random:
    """Chances that come back with the number of the try."""
    return random.Random(f"{request.module.__name__} {number}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each kind with its tries, and how many held."""
    reports = [one for name in ("passed", "failed", "error") for one in terminalreporter.getreports(name)]
    told = [(Path(one.nodeid.partition("::")[0]).name, one.passed) for one in reports if "tests/faults/" in one.nodeid]
    tries, held = Counter(name for name, _ in told), Counter(name for name, is_held in told if is_held)
    if not tries:
        return
    terminalreporter.section("faults")
    for name in sorted(tries):
        says = (ast.get_docstring(ast.parse((FOLDER / name).read_text(encoding="utf-8"))) or "").splitlines()[0]
        kind = name.removeprefix("test_").removesuffix(".py").replace("_", " ")
        terminalreporter.write_line(f"{kind:14} {tries[name]:5} tried {held[name]:5} held   {says}")
    happened = Counter(value for one in reports for name, value in one.user_properties if name == "fault")
    for (what, damage, found), n in sorted(happened.items()) if terminalreporter.config.option.faults == "all" else ():
        terminalreporter.write_line(f"  {what:64} {damage:6} {n:4} {found}")
    terminalreporter.write_line(f"{'all':14} {tries.total():5} tried {held.total():5} held")
