"""embedded: train the embedded model: the tower, the decoder, the projector, then all together.

Writes: artifacts/models/embedded, which git keeps.
Reads:  params.yaml: train.

Lessons resume from the weights that an earlier run left in `artifacts/training`; delete that folder to begin anew.
"""

from __future__ import annotations

import os

import torch

from leanvlm import files
from leanvlm.errors import exit_on_error
from leanvlm.params import load
from leanvlm.training import lessons
from leanvlm.training.architecture import build_model, build_tokenizer, export
from leanvlm.training.loop import rank


def main() -> None:
    """Run the lessons and export the checkpoint in bfloat16."""
    train = load(files.PARAMS).train
    if "WORLD_SIZE" in os.environ:  # torchrun --nproc-per-node 2 -m stages.train
        torch.distributed.init_process_group("gloo")
    torch.set_num_threads(1)  # two processes learn faster than two threads
    torch.manual_seed(train.seed)
    tokenizer = build_tokenizer()
    model = build_model(tokenizer)
    school = lessons.School(model, tokenizer, files.TRAINING, train.seed)
    school.tower(minutes=train.tower_minutes)
    school.finding(minutes=train.finding_minutes)
    school.decoder(minutes=train.decoder_minutes)
    school.projector(minutes=train.projector_minutes)
    school.together(minutes=train.together_minutes)
    school.relating(minutes=train.relating_minutes)
    school.together(minutes=train.last_minutes, rate=7e-4, weights=lessons.LAST)
    if rank() == 0:
        export(model, tokenizer, files.EMBEDDED)


if __name__ == "__main__":
    exit_on_error(main)
