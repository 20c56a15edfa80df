"""PEFT itself gives what weights/eora stores to a checkpoint that transformers read, and it says what ours says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from leanvlm.methods.weights._checkpoint import produce
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._saving import reload
from leanvlm.recipes import parse
from tests.methods import saved

RECIPES = ("weights/sparsegpt@2:4+weights/eora@r16", "weights/gptq@w4a16-g32+weights/eora@r8")


@pytest.mark.peft
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("architecture", ["llava", "qwen2_vl"])
def test_peft_adds_what_our_loader_adds(architecture: str, recipe: str, tmp_path: Path) -> None:
    from peft import PeftModel

    source, folder = tmp_path / "source", tmp_path / "compressed"
    source.mkdir()
    folder.mkdir()
    saved.save(architecture, source)
    model, samples = saved.read(architecture, source)
    methods = [part.built for part in parse(recipe).parts]
    produce(methods, model.model, record(model.model, samples), source=source, folder=folder)
    ours = saved.unpacked(reload(saved.read(architecture, source)[0].model, folder, torch.float32))
    theirs = type(ours).from_pretrained(folder, attn_implementation="eager").to(torch.float32)
    with torch.no_grad():
        plain = [theirs(**sample).logits for sample in samples]
        amended = PeftModel.from_pretrained(theirs, folder / "lora").eval()
        for sample, without in zip(samples, plain, strict=True):
            wanted = ours(**sample).logits
            torch.testing.assert_close(amended(**sample).logits, wanted)
            assert (without - wanted).abs().max() > 0.1
