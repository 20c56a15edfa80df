"""How a model is asked: its processor turns pictures and words into the tensors of a prompt."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import torch
from PIL.Image import Image
from torch import Tensor
from transformers import PreTrainedModel

from leanvlm import pictures, plugins
from leanvlm.errors import InputError
from leanvlm.models._marks import marks, refuse_marks
from leanvlm.models._turns import between
from leanvlm.models._words import content, words_of
from leanvlm.sample import Sample

CLERKS = 4  # a large picture takes several times as long on one core as on a GPU


class Prompts:
    """What a model can be asked; a model brings what stands here without a value."""

    network_class: type[PreTrainedModel]
    adds_special_tokens: ClassVar[bool] = True  # to prompts without pictures; the chat template may bring them
    model: Any
    processor: Any
    tokenizer: Any
    dtype: torch.dtype
    max_pixels: int | None
    inputs_device: torch.device | None

    @property
    def visual_ids(self) -> tuple[int, ...]:
        """The token ids that stand for pictures in a prompt: here the image placeholder alone."""
        return (self.model.config.image_token_id,)

    @cached_property
    def marks(self) -> tuple[str, ...]:
        """The words that no question may hold."""
        return marks(self.tokenizer, self.processor)

    def inputs(self, images: Sequence[Image], question: str) -> dict[str, Tensor]:
        """Build the prompt of one question about one to many pictures, or none.

        Pictures go where the question says <image>, or before it.

        Raises: InputError for a question that holds a token to which the prompt gives a meaning, or other than as many
        <image> as there are pictures, and for a chat template that leaves the pictures out.
        """
        laid = content(len(images), question)
        refuse_marks(self.marks, words_of(laid))
        text = self.processor.apply_chat_template([{"role": "user", "content": laid}], add_generation_prompt=True)
        if not images:
            tensors = self.tokenizer(text, return_tensors="pt", add_special_tokens=self.adds_special_tokens)
        else:
            tensors = self.processor(images=[list(images)], text=[text], return_tensors="pt")
            if not torch.isin(tensors["input_ids"], torch.tensor(self.visual_ids)).any():
                raise InputError("this checkpoint's chat template shows no picture; give it a template that does")
        return {name: self._move(value) for name, value in tensors.items() if name != "attention_mask"}

    def turn(self, question: str) -> list[int]:
        """Return the tokens that are read after an answer, so that the answer to the next question follows.

        Raises: InputError for a question that holds a token to which the prompt gives a meaning, or <image>, and for a
        chat template that takes no second turn.
        """
        refuse_marks(self.marks, question)
        return between(self.processor, question)

    @cached_property
    def clerks(self) -> tuple[Self, ...]:
        """Make twins that leave prompts on the CPU, each for a thread of its own: tokenizers are not made for two."""
        twins = []
        for _ in range(CLERKS):
            twin = copy.copy(self)
            twin.processor, twin.inputs_device = copy.deepcopy(self.processor), torch.device("cpu")
            twin.tokenizer = twin.processor.tokenizer
            twins.append(twin)
        return tuple(twins)

    def longer(self, inputs: dict[str, Tensor], ids: Tensor) -> dict[str, Tensor]:
        """Put words behind a prompt; whatever else stands per token, (1, T), marks them as text, by zeros.

        Shapes: ids (1, n).
        """
        shape, added = inputs["input_ids"].shape, {"input_ids": ids}
        return {
            name: torch.cat([value, added.get(name, torch.zeros_like(ids).to(value.dtype))], dim=1)
            if value.shape == shape
            else value
            for name, value in inputs.items()
        }

    def shown(self, sample: Sample) -> list[Image]:
        """Return a sample's pictures as this model is shown them: none with more than `max_pixels`.

        Raises: InputError naming the sample for a picture that cannot be shown.
        """
        return [pictures.within(image, self.max_pixels) for image in sample.pictures()]

    def inputs_for(self, images: Sequence[Image], question: str, fps: float | None) -> dict[str, Tensor]:
        """Build the prompt about pictures, or, where `fps` is given, about the one video whose frames they are."""
        return self.inputs(images, question) if fps is None else self.video_inputs(images, question, fps=fps)

    def video_inputs(self, frames: Sequence[Image], question: str, *, fps: float) -> dict[str, Tensor]:  # noqa: ARG002
        """Build the prompt of one question about one video, given as its frames in order, `fps` of them a second.

        Raises: InputError for an architecture that takes no video.
        """
        able = [name for name in plugins.ids("models") if takes_video(plugins.load("models", name))]
        raise InputError(f"{self.network_class.__name__} takes no video; {', '.join(able)} do")

    def _move(self, value: Tensor) -> Tensor:
        dtype = self.dtype if value.is_floating_point() else value.dtype
        return value.to(self.inputs_device or self.model.device, dtype)


def takes_video(kind: type[Prompts]) -> bool:
    """Tell whether an architecture takes videos."""
    return kind.video_inputs is not Prompts.video_inputs
