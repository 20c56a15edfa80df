"""The lessons: the tower reads patches, the decoder answers from labels, the projector joins them, all learn together.

Questions alone teach a random tower nothing but dominant colours; labels of patches teach it to read within minutes.
The decoder need not wait for it: labels stand in for a perfect tower, and blank patches are left out, which makes its
lesson four times as fast. The lessons resume from the weights that they saved.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LlavaOnevisionForConditionalGeneration, PreTrainedTokenizerFast

from leanvlm.benchmarks import documents
from leanvlm.benchmarks._benchmark import Picture
from leanvlm.benchmarks._canvas import TILE
from leanvlm.training.labels import LabelEmbedding, LabelHeads
from leanvlm.training.loop import pictures, rank, restore, train
from leanvlm.training.packing import Batch, pack, pack_tiles

EVEN = {"documents": 1.0, "pages": 1.0, "charts": 1.0, "scenes": 1.0, "easy_vqa": 0.6}
RELATING = {"documents": 0.6, "pages": 0.3, "charts": 0.6, "scenes": 3.0, "easy_vqa": 1.5}
LAST = {"documents": 1.6, "pages": 0.7, "charts": 0.7, "scenes": 2.0, "easy_vqa": 0.5}


@dataclass(frozen=True)
class School:
    """What is taught, where its weights are kept, and the seed below which all training pictures are drawn."""

    model: LlavaOnevisionForConditionalGeneration
    tokenizer: PreTrainedTokenizerFast
    folder: Path
    seed: int

    def tower(self, *, minutes: float) -> None:
        """Teach the tower to say what lies under each patch."""
        config: Any = self.model.config.vision_config
        vision, heads = self.model.model.vision_tower, LabelHeads(config.hidden_size)
        modules = nn.ModuleDict({"tower": vision, "heads": heads})
        restore(modules, self.folder / "tower.safetensors")
        stream, shares = self._pictures(1), []

        def step() -> Tensor:
            pixels, labels = pack_tiles([next(stream) for _ in range(16)])
            with torch.autocast("cpu", torch.bfloat16):
                features = self._features(pixels)
                shares.append(heads.accuracy(features, labels))
                return heads.loss(features, labels)

        def report() -> str:
            return " ".join(f"{torch.tensor(column).nanmean():.3f}" for column in zip(*shares[-20:], strict=True))

        train(
            modules,
            step,
            minutes=minutes,
            rate=1.5e-3,
            save_to=self.folder / "tower.safetensors",
            report=report,
        )

    def finding(self, *, minutes: float) -> None:
        """Teach the decoder to find a key and copy its value, on short pages alone: mixed with all else it does not."""
        short, rng = documents.Benchmark(rows=TILE, lines=(1, 4)), random.Random(10 * self.seed + 1000 * rank())
        self._read(lambda: [short.draw(rng) for _ in range(4)], minutes=minutes, seed=5)

    def decoder(self, *, minutes: float, weights: dict[str, float] | None = None) -> None:
        """Teach the decoder to answer everything."""
        stream = self._pictures(2, weights)
        self._read(lambda: [next(stream) for _ in range(6)], minutes=minutes, seed=2)

    def _read(self, choose: Callable[[], list[Picture]], *, minutes: float, seed: int) -> None:
        """Train the decoder on the labels that a perfect tower would give, blank patches left out."""
        modules, path = self._reader(), self.folder / "decoder.safetensors"
        restore(modules, path)
        rng = random.Random(self.seed + seed)

        def step() -> Tensor:
            batch = pack(choose(), self.tokenizer, rng, with_pixels=False, drops_blank=True)
            with torch.autocast("cpu", torch.bfloat16):
                return answer_loss(self.model, batch, modules["labels"](batch.labels))

        train(modules, step, minutes=minutes, rate=1.5e-3, save_to=path)

    def projector(self, *, minutes: float) -> None:
        """Teach the projector to say in the decoder's language what the tower sees."""
        restore(nn.ModuleDict({"tower": self.model.model.vision_tower}), self.folder / "tower.safetensors")
        reader = self._reader()
        restore(reader, self.folder / "decoder.safetensors")
        modules = nn.ModuleDict({"projector": self.model.model.multi_modal_projector})
        restore(modules, self.folder / "projector.safetensors")
        stream = self._pictures(3)

        def step() -> Tensor:
            pixels, labels = pack_tiles([next(stream) for _ in range(16)])
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                features, wanted = self._features(pixels), reader["labels"](labels).float()
            error = (modules["projector"](features.float()) - wanted).square().mean(-1)
            weight = torch.where(labels.any(-1), 1.0, 0.1)
            loss: Tensor = (error * weight).sum() / weight.sum() / wanted.square().mean()
            return loss

        train(modules, step, minutes=minutes, rate=2e-3, save_to=self.folder / "projector.safetensors")

    def together(self, *, minutes: float, rate: float = 1e-3, weights: dict[str, float] | None = None) -> None:
        """Train projector and decoder on pictures, behind the tower as it is."""
        self._join(minutes=minutes, rate=rate, weights=weights, drops_blank=False)

    def relating(self, *, minutes: float) -> None:
        """Teach what joins two words or counts, mostly on scenes, blank patches left out to see three times as many."""
        self._join(minutes=minutes, rate=1e-3, weights=RELATING, drops_blank=True)

    def _join(self, *, minutes: float, rate: float, weights: dict[str, float] | None, drops_blank: bool) -> None:
        modules = nn.ModuleDict({"model": self.model})
        restore(modules, self.folder / "together.safetensors")
        self.model.model.vision_tower.requires_grad_(False)
        rng, stream = random.Random(self.seed + 4), self._pictures(4, weights)

        def step() -> Tensor:
            chosen = [next(stream) for _ in range(4)]
            batch = pack(chosen, self.tokenizer, rng, with_pixels=True, drops_blank=drops_blank)
            assert batch.pixels is not None
            with torch.autocast("cpu", torch.bfloat16):
                with torch.no_grad():
                    features = self._features(batch.pixels)
                return answer_loss(self.model, batch, self.model.model.multi_modal_projector(features))

        train(modules, step, minutes=minutes, rate=rate, save_to=self.folder / "together.safetensors")

    def _features(self, pixels: Tensor) -> Tensor:
        """Shapes: (N, 3, side, side) -> (N, tokens, C)."""
        features: Tensor = self.model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-1]
        return features

    def _reader(self) -> nn.ModuleDict:
        words: Any = self.model.get_input_embeddings()
        labels = LabelEmbedding(words, self.tokenizer)
        modules = nn.ModuleDict({"text": self.model.model.language_model, "labels": labels})
        modules.register_parameter("newline", self.model.model.image_newline)
        return modules

    def _pictures(self, lesson: int, weights: dict[str, float] | None = None) -> Iterator[Picture]:
        return pictures(random.Random(10 * self.seed + lesson + 1000 * rank()), weights or EVEN)


def answer_loss(model: LlavaOnevisionForConditionalGeneration, batch: Batch, visual: Tensor) -> Tensor:
    """Cross-entropy of the answers' tokens, given the visual tokens of all tiles.

    Shapes: visual (N, tokens, C) -> ().
    """
    text = model.get_input_embeddings()(batch.ids)  # (B, T, C)
    table = torch.cat([text.new_zeros(1, text.shape[-1]), model.model.image_newline[None], visual.flatten(0, 1)])
    inputs = torch.where((batch.visual > 0)[..., None], table.to(text.dtype)[batch.visual], text)
    states = model.model.language_model(
        inputs_embeds=inputs, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    asked = batch.targets != -100
    logits = model.lm_head(states[asked])  # (answer tokens, vocabulary)
    return nn.functional.cross_entropy(logits.float(), batch.targets[asked])
