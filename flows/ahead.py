"""What `make repro` runs ahead of `dvc repro` where a cluster compresses: DVC would make a checkpoint at a time.

Call:   python -m flows.ahead embedded/weights-wanda-50 ...
Writes: what the stage `compress` writes, and what DVC notes of it.
"""

from __future__ import annotations

import sys

from flows.server import prefect_server
from leanvlm import files
from leanvlm.errors import exit_on_error
from leanvlm.params import load


def main() -> None:
    """Make the checkpoints on the command line, each a model and the slug of its weights recipe."""
    pairs = [(model, slug) for model, _, slug in (name.partition("/") for name in sys.argv[1:])]
    with prefect_server():
        from flows.checkpoints import make  # Prefect reads its settings when it is imported

        make(load(files.PARAMS), pairs)


if __name__ == "__main__":
    exit_on_error(main)
