"""Florence-2 is refused, and the reason that is given is true of it: its decoder reads neither pictures nor words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Florence2Config, Florence2ForConditionalGeneration

import leanvlm
from leanvlm.errors import InputError
from leanvlm.models._adapter import infer, wrap
from tests.models import tiny

N_VISUAL = 1 + 4  # a picture of 64 pixels a side: its mean, and one token for 32 by 32 pixels
REFUSED = (
    "^no adapter for models of the type 'florence2': an encoder mixes their pictures with the words, and no prompt "
    "enters their decoder, where methods act; leanvlm has adapters for gemma3, "
)


def florence() -> Any:
    tower = {"depths": (1, 1, 1, 1), "embed_dim": (16, 16, 32, 32), "num_heads": (2, 2, 2, 2)}
    config = Florence2Config(
        vision_config={**tower, "num_groups": (2, 2, 2, 2), "window_size": 4, "projection_dim": 32},
        text_config={"model_type": "bart", "vocab_size": tiny.VOCABULARY, "d_model": 32, "encoder_layers": 1,
                     "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
                     "encoder_ffn_dim": 32, "decoder_ffn_dim": 32},
        image_token_id=tiny.IMAGE,
    )  # fmt: skip
    torch.manual_seed(0)
    return Florence2ForConditionalGeneration(config).eval()


@pytest.fixture(scope="module")
def network() -> Any:
    return florence()


def test_an_encoder_decoder_is_refused_in_a_sentence_that_says_why(network: Any, tmp_path: Path) -> None:
    network.config.save_pretrained(tmp_path)
    for ask in (infer, leanvlm.load):
        with pytest.raises(InputError, match=REFUSED):
            ask(tmp_path)
    with pytest.raises(InputError, match=REFUSED):
        wrap(network)


def test_the_encoder_mixes_pictures_with_words_and_the_decoder_has_no_prompt(network: Any) -> None:
    inner, entered = network.model.language_model, dict[str, dict[str, Any]]()
    ids = tiny.interleave(N_VISUAL)

    def note(name: str) -> Any:
        return lambda _module, _args, told: entered.setdefault(name, told) and None

    handles = [getattr(inner, name).register_forward_pre_hook(note(name), with_kwargs=True)
               for name in ("encoder", "decoder")]  # fmt: skip
    with torch.inference_mode():
        network(input_ids=ids, pixel_values=tiny.pixels(1, 3, 64, 64))
    for handle in handles:
        handle.remove()
    assert entered["encoder"]["inputs_embeds"].shape[1] == ids.shape[1] == N_VISUAL + 25
    assert entered["decoder"]["input_ids"].shape == (1, 1), "the token that begins an answer, and no prompt"
    assert entered["decoder"]["encoder_hidden_states"].shape[1] == ids.shape[1]
