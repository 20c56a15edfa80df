"""`leanvlm.compress`: a compressed checkpoint of a loaded model, proven and audited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leanvlm import calibration as drawn
from leanvlm.errors import InputError, naming_extras
from leanvlm.models._model import LoadedModel
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.pipeline.compress import write
from leanvlm.pipeline.stored import as_stored
from leanvlm.recipes import parse
from leanvlm.sample import Sample


def compress(
    model: LoadedModel, recipe: str, *, folder: str | Path, calibration: int | Sequence[Sample] = 32
) -> dict[str, Any]:
    """Write a compressed checkpoint that Hugging Face and vLLM load, and return its audit.

    The checkpoint that `model` was loaded from is read again, as it is stored; `model` stays as it is.

    Takes: folder, which must not exist yet; calibration, samples with a right answer each, or how many of our own
    training pictures to draw.

    Raises: InputError for a recipe that acts on anything but the weights, a folder that exists, samples or a model that
    the method cannot take; RunError where the result fails its audit, of which nothing is kept.

    >>> from leanvlm import load
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as scratch:
    ...     model = load("artifacts/models/embedded")
    ...     audit = compress(model, "weights/magnitude@50%", folder=f"{scratch}/half", calibration=2)
    >>> round(audit["nonzero_share"], 2)
    0.5
    """
    parsed, target = parse(recipe), Path(folder)
    if parsed.acts_on != "weights":
        raise InputError(f"compress takes methods that act on the weights, not {parsed.text!r}")
    if target.exists():
        raise InputError(f"{target} exists; name a folder that does not")
    if model.folder is None:
        raise InputError("the model was not loaded from a folder; load it with leanvlm.load")
    fresh = as_stored(model.architecture, model.folder)
    samples = list(calibration_inputs(fresh, _rows(calibration)))  # what cannot be asked is refused before the work
    with naming_extras():
        return write(parsed, fresh, samples, source=model.folder, folder=target)


def _rows(calibration: int | Sequence[Sample]) -> list[dict[str, Any]]:
    if isinstance(calibration, int):
        return list(drawn.draw(calibration, seed=0))
    for sample in calibration:
        if not sample.answers:
            raise InputError(f"calibration sample {sample.sample_id!r} has no answer; give it a right one")
    return [
        {
            "sample_id": sample.sample_id,
            "question": sample.question,
            "answer": sample.answers[0],
            "images": list(sample.encoded()),
        }
        for sample in calibration
    ]
