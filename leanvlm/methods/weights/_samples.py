"""What a calibration sample is: a prompt with its answer, as a model takes it, and what its positions hold."""

from __future__ import annotations

from torch import Tensor


class CalibrationSample(dict[str, Tensor]):
    """The model's keyword arguments, a batch of one, and what its positions hold.

    Shapes: is_visual: (T,), True = a visual token. `n_answer` positions at the end hold the answer and its end.
    """

    def __init__(self, inputs: dict[str, Tensor], *, is_visual: Tensor, n_answer: int) -> None:
        super().__init__(inputs)
        self.is_visual = is_visual
        self.n_answer = n_answer


Samples = list[CalibrationSample]
