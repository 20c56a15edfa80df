"""compress: rewrite a model's linear layers with one weights method, and audit what came of it.

Call:   python -m stages.compress embedded weights-gptq-w4a16-g128 (or the recipe itself)
Writes: artifacts/checkpoints/<model>/<slug>/, a checkpoint that Hugging Face and vLLM load, with audit.json;
        artifacts/costs/<model>/<slug>.json, seconds and memory, which differ from run to run: apart, so that what
        answers depend on has the same bytes each time.
Reads:  artifacts/entrances/<model>/, the model's checkpoint, params.yaml: models, compress.
"""

from __future__ import annotations

import sys

import torch

from leanvlm import files, params
from leanvlm.errors import InputError, exit_on_error
from leanvlm.pipeline.compress import compress
from leanvlm.processes.heap import give_back_freed


def main() -> None:
    """Compress one model with one method."""
    if len(sys.argv) != 3:
        raise InputError(
            "compress takes a model and a weights method: python -m stages.compress embedded weights/wanda@50%"
        )
    give_back_freed()
    torch.set_num_threads(1)  # sums, and so the stored bytes, must not depend on the machine's cores
    compress(params.load(files.PARAMS), sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    exit_on_error(main)
