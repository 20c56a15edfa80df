"""Qwen3-VL: a ViT whose earlier features are also added after the decoder's first layers (DeepStack), a Qwen3 decoder.

Source:  Qwen Team 2025, arXiv 2511.21631; `Qwen/Qwen3-VL-8B-Instruct`.
Departs: the processor is Qwen2-VL's, equal but for video. A visual token that is merged from several keeps its own
         DeepStack features; no published merging method says what becomes of them.
"""

from __future__ import annotations

from transformers import Qwen3VLForConditionalGeneration

from leanvlm.models import qwen2_vl


class Model(qwen2_vl.Model):
    """The adapter; the engine hands the DeepStack features on."""

    network_class = Qwen3VLForConditionalGeneration
