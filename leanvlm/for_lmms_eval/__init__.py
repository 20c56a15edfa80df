"""A recipe as a model of lmms-eval: `--model leanvlm --model_args pretrained=FOLDER,recipe=cache/snapkv@10%`.

lmms-eval finds `manifest` among the entry points of pyproject.toml. It loads them whenever it lists its models, so
nothing is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lmms_eval.models.registry_v2 import ModelManifest


def manifest() -> ModelManifest:
    """Name the model and its class; it takes a task's messages, as lmms-eval's chat models do."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return ModelManifest(model_id="leanvlm", chat_class_path=f"{__name__}.model.Model")
