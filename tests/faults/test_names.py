"""Names of models, benchmarks, profiles and targets that a shell or a path could act on: refused before any stage."""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from leanvlm import params
from leanvlm.pipeline import profile, reproduce
from tests.checkouts import ROOT
from tests.faults import refusal

TRIES = 100
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", flags=re.ASCII)
ACTS = (
    *("$(touch ran)", "`touch ran`", ";touch ran;", "|touch ran", "&touch ran&", "\ntouch ran\n", "../", "/", "~", "-"),
    *("--force", "*", "${item.model}", "{{7*7}}", "<b>", "'", '"', "\\", " ", "\0", "\x1b", "\u202e", "é"),
)


def name(rng: random.Random) -> str:
    """Put what acts somewhere into letters."""
    letters = "".join(rng.choices(string.ascii_letters + "._-", k=rng.randint(0, 6)))
    at = rng.randint(0, len(letters))
    return letters[:at] + rng.choice(ACTS) + letters[at:]


@pytest.fixture
def tree() -> dict[str, dict[str, object]]:
    """What our own params.yaml holds."""
    found: dict[str, dict[str, object]] = YAML(typ="safe").load(ROOT / "params.yaml")
    return found


def test_it_is_no_name(rng: random.Random, tree: dict[str, dict[str, object]], tmp_path: Path) -> None:
    hostile = name(rng)
    if NAME.fullmatch(hostile):
        return  # a sign in the midst of letters may be one of a name
    place = rng.choice(("models", "benchmarks"))
    tree["grid"][place] = [hostile]
    if place == "models":
        tree["models"] = {hostile: tree["models"]["embedded"]}
    path = tmp_path / "params.yaml"
    with path.open("wb") as file:
        YAML(typ="safe").dump(tree, file)
    said = refusal(lambda: params.load(path))
    assert said
    assert f"grid.{place}" in said or said.startswith("params.yaml: models")


def test_it_is_no_target(rng: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "_run", lambda *_: pytest.fail("DVC ran"))
    hostile = name(rng)
    assert refusal(lambda: reproduce.run_dvc([hostile])) or reproduce.TARGET.fullmatch(hostile)


def test_it_is_no_profile(rng: random.Random, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(lambda: profile.lay(name(rng)))
