"""The model that lmms-eval asks: a checkpoint under one recipe, answered by our engine.

Source:  lmms_eval 0.7.3, api/model.py and evaluator.py (read, not copied).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import torch
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from tqdm import tqdm

import leanvlm
from leanvlm.api._recipes import for_loaded
from leanvlm.engine.refusal import refuse
from leanvlm.engine.sweep import Answer, answer_all
from leanvlm.engine.worker import batch_size as samples_per_batch
from leanvlm.errors import InputError
from leanvlm.for_lmms_eval.requests import as_sample
from leanvlm.recipes import FULL
from leanvlm.sample import Sample

ARGUMENTS = ("pretrained", "recipe", "dtype", "device", "max_pixels", "batch_size")
LIMIT = 1024  # new tokens where a task names no limit, as in most of lmms-eval's own chat models


class Model(lmms):  # type: ignore[misc]
    """A checkpoint under one recipe; of weights recipes, `pretrained` is the compressed checkpoint."""

    is_simple = False  # it takes a task's messages

    def __init__(
        self,
        pretrained: str | None = None,
        recipe: str = FULL,
        *,
        dtype: str = "float32",
        device: str = "cpu",
        max_pixels: int | None = None,
        batch_size: int | str = 1,
        **others: object,
    ) -> None:
        """Load the checkpoint.

        Takes: pretrained, dtype, device and max_pixels, as `leanvlm.load`; recipe, in quotes where it holds commas,
        since `--model_args` splits at them; batch_size, how many answers are decoded side by side.

        Raises: InputError for an argument that there is not, a recipe that cannot be read, that acts on the weights or
        that the model refuses, and as `leanvlm.load`.
        """
        super().__init__()
        if others or pretrained is None:
            raise _wrong_arguments(others)
        self._rows = _whole("batch_size", batch_size)
        [self._recipe] = for_loaded([str(recipe).strip("'\"")])
        most = None if max_pixels is None else _whole("max_pixels", max_pixels)
        self._loaded = leanvlm.load(str(pretrained), dtype=dtype, device=_of_this_process(device), max_pixels=most)
        refuse(self._loaded, [self._recipe])

    @property
    def device(self) -> torch.device:
        """Where the model is; lmms-eval counts there what its processes have."""
        return self._loaded.model.device  # type: ignore[no-any-return]

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """Answer requests, each once however often it is repeated, since answers are greedy.

        Raises: InputError for a task that leanvlm cannot be asked; see `as_sample`. A sample that the model cannot
        take, as a prompt that does not fit, is answered by nothing, and standard error says so.
        """
        answers: dict[str, Answer] = {}
        distinct = {_key(request): request for request in requests}
        size = samples_per_batch(1, self._rows)
        with tqdm(total=len(distinct), desc=self._recipe.text, unit="sample", disable=self.rank != 0) as progress:
            for start in range(0, len(distinct), size):
                samples = [self._sample(request) for request in list(distinct.values())[start : start + size]]
                for sample_id, _, found in answer_all(
                    self._loaded, samples, [self._recipe], limit=LIMIT, rows=self._rows
                ):
                    answers[sample_id] = found
                progress.update(len(samples))
        _tell_refused(answers)
        return [_result(answers[_key(request)]) for request in requests]

    def loglikelihood(self, requests: Sequence[Instance]) -> NoReturn:
        """Raise: InputError; leanvlm generates."""
        raise _no_other_requests(requests)

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> NoReturn:
        """Raise: InputError; leanvlm is asked one turn."""
        raise _no_other_requests(requests)

    def generate_visual_cot(self, requests: Sequence[Instance]) -> NoReturn:
        """Raise: InputError; leanvlm draws no pictures."""
        raise _no_other_requests(requests)

    def clean(self) -> None:
        """Let the checkpoint go: a judge may need the device."""
        del self._loaded
        super().clean()

    def _sample(self, request: Instance) -> Sample:
        _, doc_to_messages, generation, doc_id, task, split = request.args
        messages = doc_to_messages(self.task_dict[task][split][doc_id])
        return as_sample(_key(request), task, messages, generation)


def _key(request: Instance) -> str:
    return f"{request.task_name}/{request.doc_id}"


def _whole(name: str, value: int | str) -> int:
    if not (str(value).isascii() and str(value).isdecimal()) or int(value) < 1:
        raise InputError(f"{name} is {value!r}; it must be a whole number, 1 or more")
    return int(value)


def _of_this_process(device: str) -> str:
    """Name the GPU of one of several processes, of which each answers its part of the requests."""
    number = os.environ.get("LOCAL_RANK")
    return f"cuda:{number}" if device == "cuda" and number is not None else device


def _wrong_arguments(others: Mapping[str, object]) -> InputError:
    wrong = f"no argument {next(iter(others))!r}" if others else "pretrained is not said"
    return InputError(f"{wrong}; --model_args takes {', '.join(ARGUMENTS)}, and a recipe with commas in quotes, as in "
                      'recipe="cache/h2o@20%:normalize=true,recent_share=0.1"')  # fmt: skip


def _no_other_requests(requests: Sequence[Instance]) -> InputError:
    return InputError(f"the task {requests[0].task_name!r} asks for {requests[0].request_type}, and leanvlm answers "
                      "generate_until only; choose a task with this output_type")  # fmt: skip


def _tell_refused(answers: Mapping[str, Answer]) -> None:
    refused = [found.refusal for found in answers.values() if found.refusal]
    if refused:
        print(f"{len(refused)} samples were refused and are answered by nothing; {refused[0]}", file=sys.stderr)


def _result(found: Answer) -> GenerationResult:
    return GenerationResult(found.answer, TokenCounts(found.prompt_tokens, found.new_tokens))
