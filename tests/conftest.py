"""Fixtures: a random-weight model of the embedded model's own shape, and pictures to show it."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from leanvlm import files
from leanvlm.benchmarks import documents, pages, scenes
from leanvlm.metrics import tally
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.training.architecture import build_image_processor, build_model, build_tokenizer
from tests import checkouts
from tests import grid as tables_of_a_grid
from tests.benchmarks import public_sets

SERVER = "from flows.server import prefect_server as s\nwith s() as url: print(url, flush=True); input()"
LONGEST = ("pipeline", "flows")  # folders whose tests start whole runs


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder with random weights; queries and keys are large, so that attention is not uniform."""
    folder = tmp_path_factory.mktemp("random")
    tokenizer = build_tokenizer()
    torch.manual_seed(0)
    network = build_model(tokenizer)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "q_proj.weight" in name or "k_proj.weight" in name:
                parameter.mul_(6)
            elif parameter.ndim == 2:
                parameter.mul_(3)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    build_image_processor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def model(random_checkpoint: Path) -> LoadedModel:
    """The random-weight model, in float32."""
    return load_model("llava_onevision", random_checkpoint)


@pytest.fixture(scope="session")
def prompts() -> list[tuple[list[Image.Image], str]]:
    """One question each about a scene, a document and three pages."""
    rng = random.Random(7)
    drawn = [scenes.Benchmark(), documents.Benchmark(), pages.Benchmark(pages=(3, 3))]
    pictures = [benchmark.draw(rng) for benchmark in drawn]
    return [([canvas.image for canvas in p.canvases], p.questions[0].text) for p in pictures]


@pytest.fixture
def checkout(tmp_path: Path, random_checkpoint: Path) -> Path:
    """A checkout of this project with the random model and a small grid."""
    folder = tmp_path / "checkout"
    checkouts.make(folder, random_checkpoint)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server for tests that are not about it: a run's own takes seconds to start."""
    own = tmp_path_factory.mktemp("server")
    command, pipes = [sys.executable, "-c", SERVER], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=own, env=checkouts.environment(checkouts.ROOT), text=True, **pipes) as child:
        url = child.stdout.readline().strip()
        assert url.startswith("http://"), "the server did not start"
        yield url
        child.kill()


@pytest.fixture(scope="session")
def public_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub cache with a few made-up rows of every public benchmark, which no test may change."""
    hub = tmp_path_factory.mktemp("hub")
    public_sets.write_all(hub)
    return hub


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """The root of a grid that a test may change."""
    return tables_of_a_grid.write(tmp_path)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The DuckDB file of a grid that no test may change."""
    root = tables_of_a_grid.write(tmp_path_factory.mktemp("stored"))
    tally.tally(root, benchmarks=tables_of_a_grid.BENCHMARKS, resamples=20, seed=0)
    return root / files.STORE


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=("few", "all"), default="few", help="how many of tests/faults are tried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first: one that begins last has a core to itself while the other is idle."""
    folders = [Path(__file__).parent / name for name in LONGEST]
    items.sort(key=lambda item: next((n for n, one in enumerate(folders) if one in item.path.parents), len(folders)))
