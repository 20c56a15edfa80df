"""Put our models in the place of vLLM's, tell vLLM that they give positions themselves, and refuse all other models.

Source:  vLLM 0.32.0, model_executor/models/registry.py and config.py, config/multimodal.py (called, not copied).
"""

from __future__ import annotations

from typing import Any

from vllm import ModelRegistry
from vllm.model_executor.models.config import MODELS_CONFIG_MAP, VerifyAndUpdateConfig
from vllm.platforms import current_platform

from leanvlm.errors import InputError
from leanvlm.for_vllm import end_with
from leanvlm.for_vllm.positions import section
from leanvlm.for_vllm.processing import named

MODELS = {
    "LlavaOnevisionForConditionalGeneration": "leanvlm.for_vllm.llava_onevision:Model",
    "Qwen2_5_VLForConditionalGeneration": "leanvlm.for_vllm.qwen2_5_vl:Model",
}
LEAST = 2**-20  # a share that is left out: vLLM asks a model for positions only where something is


class Known(VerifyAndUpdateConfig):  # type: ignore[misc]
    """What vLLM is told of a model that we serve."""

    @staticmethod
    def verify_and_update_model_config(model_config: Any) -> None:
        """Let the model place what the tower leaves; where positions are one row, let them be three."""
        model_config.multimodal_config.video_pruning_rate = max(LEAST, 1 - named().method.budget)
        if not model_config.uses_mrope:
            rotary = model_config.hf_text_config.rope_parameters
            rotary["mrope_section"] = section(model_config.get_head_size())

    @staticmethod
    def verify_and_update_config(vllm_config: Any) -> None:
        """Name the worker on a CPU; refuse a tower whose heads lie on several devices where a method asks them all."""
        if current_platform.is_cpu():
            vllm_config.parallel_config.worker_cls = "leanvlm.for_vllm.cpu_worker.Worker"
        if vllm_config.parallel_config.tensor_parallel_size > 1 and named().method.encoder is not None:
            end_with(InputError(f"{named().part.text} asks all heads of the vision tower, and tensor parallelism "
                                "spreads them over devices; serve with --tensor-parallel-size 1"))  # fmt: skip


class Unknown(VerifyAndUpdateConfig):  # type: ignore[misc]
    """Refuses every other model: it would be served in full, and nobody told."""

    @staticmethod
    def verify_and_update_model_config(model_config: Any) -> None:
        """End with a sentence."""
        known = ", ".join(MODELS)
        end_with(InputError(f"LEANVLM_RECIPE cannot be served with {model_config.architecture}; it can with {known}"))


def put_in_place() -> None:
    """Register our models."""
    for architecture in ModelRegistry.get_supported_archs():
        MODELS_CONFIG_MAP[architecture] = Known if architecture in MODELS else Unknown
    for architecture, path in MODELS.items():
        ModelRegistry.register_model(architecture, path)
