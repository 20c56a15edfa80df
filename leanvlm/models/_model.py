"""What a model is: a checkpoint with the adapter of its architecture.

An adapter says where visual tokens sit and which modules attend, and in _prompts.py how to ask. It never computes what
the model computes: the engine lets the model run its own code and listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, ProcessorMixin

from leanvlm.models._network import read_network
from leanvlm.models._prompts import Prompts
from leanvlm.models._reading import no_checkpoint, read_json, reading
from leanvlm.models._stops import stop_ids
from leanvlm.models._vision_hash import vision_hash
from leanvlm.models._words import refuse_template


class LoadedModel(Prompts):
    """A network with its processor; a subclass in leanvlm/models owes the rest."""

    class_tokens: ClassVar[int] = 0  # tokens before the patches in the vision tower
    position_axes: ClassVar[tuple[int, ...]] = ()  # (3,) where a position is a time, a height and a width
    refused: ClassVar[dict[str, str]] = {}  # methods without a place in this architecture, and why
    crosses: ClassVar[bool] = False  # its decoder looks at pictures outside the prompt, in layers of their own

    def __init__(
        self,
        network: PreTrainedModel,
        processor: ProcessorMixin | None = None,
        folder: Path | None = None,
        *,
        max_pixels: int | None = None,
    ) -> None:
        """Take: processor, what makes prompts, if any are to be made; folder, where the checkpoint lies."""
        self.model: Any = network.eval()  # type: ignore[no-untyped-call]
        self.processor: Any = processor
        self.tokenizer: Any = processor.tokenizer if processor is not None else None
        self.folder = folder
        self.dtype: torch.dtype = network.dtype  # of the pictures that enter
        self.max_pixels = max_pixels
        self.inputs_device: torch.device | None = None  # where prompts are put, else beside the weights

    @classmethod
    def load(
        cls, folder: Path, *, dtype: str, device: str, device_map: str | None = None, max_pixels: int | None = None
    ) -> LoadedModel:
        """Read a checkpoint folder; remote code is never run. For what is taken see `load_model`.

        Raises: InputError for a checkpoint that cannot be read, whose weights are cut or not finite, or that lacks
        some, which transformers would fill with random ones.
        """
        network: Any = read_network(cls.network_class, folder, dtype=dtype, device_map=device_map)
        with reading(folder):
            processor: Any = cls.read_processor(folder)
        refuse_template(processor, folder)
        return cls(network if device_map else network.to(device), processor, folder, max_pixels=max_pixels)

    @classmethod
    def read_config(cls, folder: Path) -> Any:
        """Read a checkpoint's configuration.

        Raises: InputError for a folder without one.
        """
        if not (folder / "config.json").is_file():
            raise no_checkpoint(folder)
        kind: Any = cls.network_class.config_class
        with reading(folder):
            read_json(folder / "config.json")
            return kind.from_pretrained(folder, local_files_only=True)

    @classmethod
    def attends(cls, config: Any) -> list[bool]:
        """Say of each decoder layer whether it attends: here all do."""
        return [True] * config.get_text_config().num_hidden_layers

    @classmethod
    def read_processor(cls, folder: Path) -> ProcessorMixin:
        """Read what turns pictures and words into tensors."""
        raise NotImplementedError

    @classmethod
    def processor_settings(cls, folder: Path) -> dict[str, Any]:  # noqa: ARG003
        """Say what the processor is told besides its parts: what the checkpoint says, else what follows from it."""
        return {}

    @property
    def architecture(self) -> str:
        """The adapter's id."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def text(self) -> Any:
        """The decoder stack, without the language-model head: where most architectures have it."""
        return self.model.model.language_model

    @property
    def attention(self) -> dict[int, nn.Module]:
        """The attention modules of the decoder's layers, by the layer's place; hybrid models have layers without."""
        return {place: layer.self_attn for place, layer in enumerate(self.text.layers) if hasattr(layer, "self_attn")}

    @property
    def crossing(self) -> dict[int, nn.Module]:
        """The attention modules of the layers that look at pictures outside the prompt, by the layer's place."""
        return {place: layer.cross_attn for place, layer in enumerate(self.text.layers) if hasattr(layer, "cross_attn")}

    @property
    def norm(self) -> Any:
        """The norm between the decoder's last layer and the head."""
        return self.text.norm

    @property
    def head(self) -> Any:
        """The language-model head."""
        return self.model.get_output_embeddings()

    @cached_property
    def vision_hash(self) -> str:
        """The hash of the weights that a vision pass reads, as they were loaded."""
        return vision_hash(self.model, self.text, self.head)

    def is_visual(self, ids: Tensor) -> Tensor:
        """Tell which tokens of a prompt are visual: here those that stand for pictures. Shapes: (T,) -> (T,)."""
        return torch.isin(ids, torch.tensor(self.visual_ids, device=ids.device))

    @property
    def encoder_blocks(self) -> Sequence[nn.Module]:
        """The attention modules of the vision tower's blocks, in order: here those of CLIP and SigLIP."""
        return [layer.self_attn for layer in self.model.model.vision_tower.encoder.layers]

    def image_lengths(self, inputs: dict[str, Tensor]) -> list[int]:  # noqa: ARG002
        """Count each picture's visual tokens; nothing where a prompt always has text between pictures."""
        return []

    def n_visual(self, inputs: dict[str, Tensor]) -> int:
        """Count the visual tokens of a prompt, batch of one."""
        return int(self.is_visual(inputs["input_ids"][0]).sum())

    def spread(self, per_patch: Tensor, inputs: dict[str, Tensor], *, fill: float) -> Tensor:
        """Bring values per patch into the order of the decoder's visual tokens; `fill` where no patch stands behind.

        Shapes: (patches, C), in the tower's order, class tokens left out -> (visual tokens, C).
        """
        raise NotImplementedError

    def is_patch(self, inputs: dict[str, Tensor]) -> Tensor:
        """Tell the visual tokens that patches stand behind from those that end rows: here all are of patches.

        Shapes: -> (visual tokens,).
        """
        return torch.ones(self.n_visual(inputs), dtype=torch.bool)

    def token_centers(self, inputs: dict[str, Tensor]) -> Tensor | None:  # noqa: ARG002
        """Say where in its picture each visual token lies; None where an adapter does not tell.

        Shapes: -> (visual tokens, 3), the picture's index, then x and y as shares of its width and height; NaN where
        no patch stands behind a token.
        """
        return None

    @property
    def context_limit(self) -> int | None:
        """How many tokens of prompt and answer together the model has positions for; None where it does not say."""
        most = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return None if most is None else int(most)

    @property
    def stop_ids(self) -> frozenset[int]:
        """The token ids that end an answer: generation_config.json's, else the tokenizer's."""
        return stop_ids(self.model.generation_config, self.tokenizer, self.folder)
