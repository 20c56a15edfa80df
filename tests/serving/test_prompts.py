"""AutoProcessor makes the prompts that adapters make, token by token, of every folder that is written here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from leanvlm import files
from leanvlm.benches.serving.server import environment
from leanvlm.models._loading import load_model
from leanvlm.models._published import complete_processor
from tests.models import tiny
from tests.models.test_layouts import SETTINGS, edit
from tests.models.test_processors import QUESTION, picture, write_checkpoint
from tests.serving import auto_processor
from tests.serving.server import PYTHON

SHOWN = ([(100, 60)], [(90, 110), (60, 100)])  # width and height [pixels]
PLAIN = ("gemma3", "llava", "llava_next", "mllama")  # AutoProcessor wants torchvision for all others
OWN = {"lfm2_vl": "Lfm2VlImageProcessorFast"}  # whose published folders name a class that we stand in for


def write(architecture: str, folder: Path) -> None:
    """Write a tiny checkpoint as a compressed one is completed."""
    write_checkpoint(architecture, folder)
    if architecture in OWN:
        edit(folder / SETTINGS, image_processor_type=OWN[architecture])
    complete_processor(folder)


def asked_of(folder: Path, scratch: Path) -> list[dict[str, object]]:
    """Ask about one picture, then about two."""
    for width, height in {size for sizes in SHOWN for size in sizes}:
        picture(width, height).save(scratch / f"{width}.png")
    shown = [[str(scratch / f"{width}.png") for width, _ in sizes] for sizes in SHOWN]
    return [{"folder": str(folder), "pictures": paths, "question": QUESTION} for paths in shown]


def own(architecture: str, folder: Path) -> list[list[int]]:
    """Make the same prompts with the adapter."""
    model = load_model(architecture, folder)
    return [model.inputs([picture(*size) for size in sizes], QUESTION)["input_ids"][0].tolist() for sizes in SHOWN]


@pytest.mark.parametrize("architecture", PLAIN)
def test_auto_processor_makes_the_same_prompts(architecture: str, tmp_path: Path) -> None:
    write(architecture, tmp_path)
    assert [auto_processor.prompt(**one) for one in asked_of(tmp_path, tmp_path)] == own(architecture, tmp_path)


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # InternVLProcessor hands a tensor to numpy
def test_auto_processor_of_vllms_transformers_makes_the_same_prompts(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in tiny.BUILDERS}
    for name, folder in folders.items():
        write(name, folder)
    folders["llava_onevision"] = files.EMBEDDED.absolute()
    lines = [json.dumps(one) + "\n" for folder in folders.values() for one in asked_of(folder, tmp_path)]
    done = subprocess.run(
        [PYTHON, auto_processor.__file__], input="".join(lines), env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert found == [ids for name, folder in folders.items() for ids in own(name, folder)]
