"""Record what enters a model's decoder of each calibration sample: one pass, which all its checkpoints share."""

from __future__ import annotations

from leanvlm import files
from leanvlm.methods.weights import _entrances
from leanvlm.params import Params
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.pipeline.stored import load_stored, place
from leanvlm.tables.calibration import TABLE


def record(params: Params, name: str) -> None:
    """Write the recording of one model, whole or not at all."""
    loaded, rows = load_stored(params, name), TABLE.read(files.CALIBRATION).to_pylist()
    entered = _entrances.record(loaded.model, calibration_inputs(loaded, rows), place(params))
    with files.whole(files.entrances(name)) as part:
        part.mkdir()
        _entrances.save(entered, part)
