"""Models as the hub has them make the prompts that AutoProcessor makes of the same folder, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoProcessor, ProcessorMixin
from transformers.models.auto.image_processing_auto import AutoImageProcessor
from transformers.models.auto.video_processing_auto import AutoVideoProcessor
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from leanvlm.methods.weights._layers import decoder_linears
from leanvlm.models import lfm2_vl
from leanvlm.models._adapter import infer
from leanvlm.models._hub import folder_of, revision_of
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline import widths
from tests.models import published
from tests.models.test_processors import QUESTION, picture

APART: dict[str, Any] = {  # whose own image processors need torchvision; LFM2-VL's departs from its own, as it says
    "idefics3": Idefics3ImageProcessorPil,
    "lfm2_vl": lfm2_vl.ImageProcessor,
}


class NoVideos(dict[str, int]):
    """Stands where the published ones need torchvision; pictures ask it nothing but a number."""

    merge_size = 2


@pytest.fixture(scope="module", params=published.ALL, ids=lambda one: one.architecture)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A published model, found in a hub cache by its id."""
    home = tmp_path_factory.mktemp("home")
    folder = published.write(request.param, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
        for name in (request.param.id, f"{request.param.id}@main", f"{request.param.id}@{published.COMMIT}"):
            assert folder_of(name, fetch=False).resolve() == folder.resolve()
            assert revision_of(name, folder_of(name, fetch=False)) == published.COMMIT
    assert infer(folder) == request.param.architecture
    return load_model(infer(folder), folder, dtype="bfloat16")


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # InternVLProcessor hands a tensor to numpy
@pytest.mark.parametrize("sizes", [[(640, 480)], [(300, 900)], [(224, 224), (500, 120)]], ids=str)
def test_a_prompt_is_what_auto_processor_makes(
    loaded: LoadedModel, sizes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AutoVideoProcessor, "from_pretrained", classmethod(lambda *_, **__: NoVideos()))
    monkeypatch.setattr(ProcessorMixin, "check_argument_for_proper_class", lambda *_: None)
    if kind := APART.get(loaded.architecture):
        monkeypatch.setattr(
            AutoImageProcessor, "from_pretrained", classmethod(lambda _, name, **__: kind.from_pretrained(name))
        )
    pictures = [picture(*size) for size in sizes]
    found = loaded.inputs(pictures, QUESTION)
    expected = oracle(loaded.folder or Path(), pictures)
    assert torch.equal(found["input_ids"], expected["input_ids"])
    for name in set(expected) - {"attention_mask"}:
        assert torch.equal(found[name], expected[name].to(found[name].dtype)), name


def test_a_decoders_weights_are_counted_by_its_configuration(loaded: LoadedModel) -> None:
    """Qwen2-VL's files call them model.layers.N, which no name of a module in memory is."""
    built = widths._without_weights(loaded.architecture, str(loaded.folder))
    counted = [
        {name: part.weight.numel() for name, part in decoder_linears(one).items()} for one in (built, loaded.model)
    ]
    assert counted[0] == counted[1]
    assert sum(counted[0].values()) > 0


def oracle(folder: Path, pictures: list[Any]) -> Any:
    processor: Any = AutoProcessor.from_pretrained(folder)
    content = [{"type": "image"} for _ in pictures] + [{"type": "text", "text": QUESTION}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    return processor(images=[pictures], text=[text], return_tensors="pt")
