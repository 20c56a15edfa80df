"""What benches are told on their command line is read alike, and what is not here is refused in a sentence."""

from __future__ import annotations

import sys

import pytest
import torch

from leanvlm.benches import compress, devices, generate, methods, paper_speedups, sweep
from leanvlm.errors import InputError

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@NO_GPU
@pytest.mark.parametrize("bench", [compress, generate, methods, paper_speedups, sweep])
def test_a_shape_on_a_gpu_that_is_not_there_is_one_sentence(bench: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--shape", "llava-onevision-0.5b", "--device", "cuda"])
    with pytest.raises(InputError, match="device 'cuda' was asked for and there is none; choose cpu"):
        bench.main()  # type: ignore[attr-defined]


@NO_GPU
def test_there_is_nothing_to_compare_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench"])
    with pytest.raises(InputError, match="there is no CUDA device here to compare with"):
        devices.main()


@pytest.mark.parametrize("bench", [compress, devices, generate, methods, paper_speedups, sweep])
def test_no_times_and_no_samples_are_refused(
    bench: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = {compress: "samples", devices: "questions", methods: "pairs"}.get(bench, "repeats")  # type: ignore[call-overload]
    monkeypatch.setattr(sys, "argv", ["bench", f"--{name}", "0"])
    with pytest.raises(SystemExit, match="2"):
        bench.main()  # type: ignore[attr-defined]
    assert "'0' is not a whole number from 1 to 1000000" in capsys.readouterr().err


def test_a_shape_that_is_not_known_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--shape", "nope"])
    with pytest.raises(InputError, match="no shape 'nope'; profiles/shapes has"):
        sweep.main()
