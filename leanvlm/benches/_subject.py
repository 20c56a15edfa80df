"""Which model a bench runs: a folder's, or random weights of a shape; in which dtype, and where."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from leanvlm import files
from leanvlm.benchmarks import documents
from leanvlm.clock.shapes import load_shape
from leanvlm.models._adapter import infer
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.params import DEVICES
from leanvlm.sample import Sample


def add_arguments(parser: argparse.ArgumentParser, *, dtype: str) -> None:
    """Let a bench be told `FOLDER | --shape NAME`, `--dtype` and `--device`."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("checkpoint", nargs="?", type=Path, default=files.EMBEDDED)
    which.add_argument("--shape", help="of profiles/shapes, with random weights")
    parser.add_argument("--dtype", choices=DTYPES, default=dtype)
    parser.add_argument("--device", choices=DEVICES, default="cpu")


def load(asked: argparse.Namespace) -> LoadedModel:
    """Load the model that the command line asks for.

    Raises: InputError for a shape, a checkpoint or a device that is not here.
    """
    if asked.shape:
        return load_shape(asked.shape, dtype=asked.dtype, device=asked.device)
    return load_model(infer(asked.checkpoint), asked.checkpoint, dtype=asked.dtype, device=asked.device)


def page(seed: int, drawn: documents.Benchmark | None = None) -> Sample:
    """Draw a page of text with a question about it, as DocVQA's are; as a benchmark draws it, where one is given."""
    picture = (drawn or documents.Benchmark()).draw(random.Random(seed))
    images = tuple(canvas.image for canvas in picture.canvases)
    return Sample(sample_id=str(seed), question=picture.questions[0].text, images=images)
