"""The wheel holds all of leanvlm and nothing else; its base scores predictions, and says how to install the rest."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from leanvlm.errors import EXTRAS, InputError, naming_extras
from tests.commands.test_score import ROWS, parquet

ROOT = Path(__file__).parents[1]
HOSTS = {"vllm"}  # whoever imports them is imported by them, in an environment of theirs
LOCKS = ("requirements.lock", "tests/for_lmms_eval/requirements.lock", "tests/cluster/requirements.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BLOCKED = """
import sys
from leanvlm.errors import EXTRAS
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {package for packages in EXTRAS.values() for package in packages}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from leanvlm.commands.cli import main
main()
"""


def tracked(*folders: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files in the wheel, built from what git tracks."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(built)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    [path] = built.glob("*.whl")
    return set(ZipFile(path).namelist())


def test_the_wheel_holds_every_file_of_leanvlm(wheel: set[str]) -> None:
    assert "leanvlm/py.typed" in wheel
    settings_of_the_linter = {name for name in tracked("leanvlm") if name.endswith(".sqlfluff")}
    assert set(tracked("leanvlm")) - wheel == settings_of_the_linter


def test_the_wheel_holds_nothing_but_leanvlm(wheel: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel} == {"leanvlm", f"leanvlm-{PROJECT['version']}.dist-info"}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where no package of an extra can be imported."""
    command = [sys.executable, "-c", BLOCKED, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_base_scores_predictions(tmp_path: Path) -> None:
    done = run(tmp_path, "score", str(parquet(tmp_path / "logs", ROWS)), "--full", "base")
    assert done.returncode == 0, done.stderr
    assert "controls/full" in done.stdout


@pytest.mark.parametrize("command", ["methods", "models", "benchmarks", "verify-paper", "--help"])
def test_the_base_is_enough_for_what_needs_no_model(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, command)
    assert done.returncode == 0, done.stderr


def test_a_missing_extra_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    done = run(tmp_path, "run", "--model", "m", "--recipes", "controls/full", "--benchmarks", "documents")
    assert done.returncode == 2
    assert re.fullmatch(r'leanvlm: \w+ is not installed; run: pip install "leanvlm\[models\]"\n', done.stderr)


def test_a_missing_module_of_our_own_is_a_defect_and_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError), naming_extras():
        import leanvlm.no_such_module  # type: ignore[import-not-found]  # noqa: F401


def test_a_missing_part_of_a_package_names_the_package() -> None:
    said = r'prefect is not installed; run: pip install "leanvlm\[pipeline\]"'
    with pytest.raises(InputError, match=said), naming_extras():
        raise ModuleNotFoundError("No module named 'prefect.flows'", name="prefect.flows")


def required(extra: str | None) -> set[str]:
    """Name the distributions of one extra, or of the base, as pip normalises them."""
    lines = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    return {normal(re.split(r"[<>=!\[ ]", line)[0]) for line in lines}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_imported_is_required_where_the_sentence_says() -> None:
    homes = {package: extra for extra, packages in EXTRAS.items() for package in packages}
    known = packages_distributions()
    for package in imported() - {"leanvlm", "stages", "flows"} - HOSTS:
        distributions = {normal(name) for name in known.get(package, [package])}  # one may be in a lock of its own
        assert distributions & required(homes.get(package)), f"{package}: {homes.get(package, 'the base')} lacks it"


def test_the_lock_pins_versions_that_the_ranges_allow() -> None:
    lines = [line for lock in LOCKS for line in (ROOT / lock).read_text().splitlines()]
    pins = {normal(line.split("==")[0]): line.split("==")[1] for line in lines if not line.startswith("#")}
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for required in (Requirement(line) for group in groups for line in group if not line.startswith("leanvlm")):
        assert pins[normal(required.name)] in required.specifier, f"{required} and the lock disagree"


def test_the_changelog_has_a_section_for_what_comes_next_and_for_this_version() -> None:
    headings = re.findall(r"(?m)^## (.+)$", (ROOT / "CHANGELOG.md").read_text())
    assert headings[0] == "Unreleased"
    assert headings[1].split()[0] == PROJECT["version"]


def imported() -> set[str]:
    """Name the packages that our files import, those inside functions included."""
    found = set()
    for name in tracked("leanvlm", "stages", "flows"):
        for node in ast.walk(ast.parse((ROOT / name).read_text())) if name.endswith(".py") else ():
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names)
