"""Shapes of published models: as large as their publishers say, made without a download, and able to read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from PIL import Image

from leanvlm import shape_names
from leanvlm.clock import shapes
from leanvlm.clock.run import run
from leanvlm.errors import InputError
from leanvlm.recipes import parse
from leanvlm.sample import Sample

# Billions of parameters as the hub counts them in the published files, tied heads once.
PUBLISHED = {
    "internvl3-8b": 7.94,
    "llava-onevision-0.5b": 0.894,
    "llava-onevision-7b": 8.03,
    "qwen2-vl-2b": 2.21,
    "qwen2-vl-7b": 8.29,
    "smolvlm-256m": 0.256,
}


@pytest.mark.parametrize("name", shape_names.names())
def test_a_shape_is_as_large_as_the_published_model(name: str) -> None:
    kind, config = shapes.shape_of(name)
    with torch.device("meta"):
        network = kind.network_class._from_config(config)
    n = sum(weight.numel() for weight in {id(w): w for w in network.parameters()}.values())
    assert n / 1e9 == pytest.approx(PUBLISHED[name], rel=0.015)


def test_every_file_is_a_shape_of_the_list() -> None:
    assert shape_names.names() == sorted(PUBLISHED)


def test_a_shape_reads_a_picture_and_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = shapes.json.loads((shapes.files.SHAPES / "smolvlm-256m.json").read_text())
    whole["config"]["text_config"] |= {"num_hidden_layers": 2, "vocab_size": 200}
    whole["config"]["vision_config"] |= {"num_hidden_layers": 2, "image_size": 64}
    whole["pictures"] |= {"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}}
    (tmp_path / "small.json").write_text(shapes.json.dumps(whole))
    monkeypatch.setattr(shapes.files, "SHAPES", tmp_path)
    one, again = (shapes.load_shape("small", dtype="float32", device="cpu") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), again.model.parameters(), strict=True))
    picture = Image.frombytes("RGB", (90, 60), random.Random(0).randbytes(90 * 60 * 3))
    found = run(
        one,
        [Sample(sample_id="s", question="what?", images=(picture,))],
        parse("tokens/fastv@50%:layer=1"),
        new_tokens=2,
    )
    assert min(found.vision, found.prefill, found.decode) > 0


def test_an_unknown_shape_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"no shape 'qwen2-vl-8b'.*profiles/shapes has internvl3-8b"):
        shapes.load_shape("qwen2-vl-8b", dtype="float32", device="cpu")
