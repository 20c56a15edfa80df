"""Publishers put what a processor needs into different files; the prompt is the same, whichever they chose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from leanvlm.errors import InputError
from leanvlm.models._loading import load_model
from tests.models import tiny
from tests.models.test_processors import QUESTION, picture, write_checkpoint

OTHER = "{% for message in messages %}other {{ message['content'] }}{% endfor %}"
ARCHITECTURES = list(tiny.BUILDERS)
SETTINGS, TEMPLATE = "preprocessor_config.json", "chat_template.jinja"


def edit(path: Path, **values: Any) -> None:
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(found | values))


def taken(folder: Path) -> str:
    """Take the template away from where it lies."""
    text = (folder / TEMPLATE).read_text()
    (folder / TEMPLATE).unlink()
    return text


def with_tokenizer(folder: Path) -> None:
    edit(folder / "tokenizer_config.json", chat_template=taken(folder))


def in_json(folder: Path) -> None:
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": taken(folder)}))


def with_processor(folder: Path) -> None:
    edit(folder / "processor_config.json", chat_template=taken(folder))


def in_one_file(folder: Path) -> None:
    """As transformers 5 saves a processor: no preprocessor_config.json."""
    edit(folder / "processor_config.json", image_processor=json.loads((folder / SETTINGS).read_text()))
    (folder / SETTINGS).unlink()


def twice(folder: Path) -> None:
    """The processor's own template goes before the tokenizer's."""
    with_processor(folder)
    edit(folder / "tokenizer_config.json", chat_template=OTHER)


def video_apart(folder: Path) -> None:
    shutil.copy(folder / SETTINGS, folder / "video_preprocessor_config.json")


LAYOUTS = (with_tokenizer, in_json, with_processor, in_one_file, twice, video_apart)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write a checkpoint of each architecture once."""
    made: dict[str, Path] = {}

    def write(architecture: str) -> Path:
        if architecture not in made:
            made[architecture] = tmp_path_factory.mktemp(architecture)
            write_checkpoint(architecture, made[architecture])
        return made[architecture]

    return write


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # InternVLProcessor hands a tensor to numpy
@pytest.mark.parametrize("lay", LAYOUTS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_layout_changes_no_prompt(
    architecture: str, lay: Callable[[Path], None], written: Callable[[str], Path], tmp_path: Path
) -> None:
    plain = written(architecture)
    folder = Path(shutil.copytree(plain, tmp_path / "laid"))
    lay(folder)
    asked = [picture(100, 60)], QUESTION
    before, after = (load_model(architecture, one).inputs(*asked) for one in (plain, folder))
    assert set(before) == set(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_pixels_may_be_bounded_by_either_name(written: Callable[[str], Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written("qwen2_vl"), tmp_path / "pixels"))
    settings = json.loads((folder / SETTINGS).read_text())
    size = settings.pop("size")
    pixels = {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}
    (folder / SETTINGS).write_text(json.dumps(settings | pixels))
    plain, asked = written("qwen2_vl"), ([picture(300, 200)], QUESTION)
    before, after = (load_model("qwen2_vl", one).inputs(*asked) for one in (plain, folder))
    assert torch.equal(before["image_grid_thw"], after["image_grid_thw"])


@pytest.mark.parametrize("template", [OTHER, "{{ messages[0].content + ' ' }}", "{% for", "{{ raise_exception('') }}"])
def test_a_template_without_a_list_of_content_is_one_sentence(
    template: str, written: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(written("llava"), tmp_path / "list"))
    (folder / TEMPLATE).write_text(template)
    with pytest.raises(InputError, match=r"the chat template of .* takes no list of pictures and words"):
        load_model("llava", folder)


def test_a_picture_is_shrunk_to_the_most_pixels_of_its_model(written: Callable[[str], Path]) -> None:
    from leanvlm.sample import Sample

    model = load_model("qwen2_vl", written("qwen2_vl"), max_pixels=28 * 28 * 6)
    sample = Sample(sample_id="s", question=QUESTION, images=(picture(300, 200), picture(50, 50)))
    large, small = model.shown(sample)
    assert large.width * large.height <= 28 * 28 * 6
    assert abs(large.width / large.height - 1.5) < 0.05
    assert small.size == (50, 50)
