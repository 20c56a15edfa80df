"""One training loop for the tower, the decoder and both: a schedule by the clock, and weights that survive a kill."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, distributed, nn

from leanvlm.benchmarks import charts, documents, easy_vqa, pages, scenes
from leanvlm.benchmarks._benchmark import Picture


def pictures(rng: random.Random, weights: dict[str, float]) -> Iterator[Picture]:
    """Draw training pictures for ever, benchmarks mixed by `weights`."""
    draws = {
        "documents": documents.Benchmark(lines=(1, 5)).draw,  # shorter and longer pages than are asked
        "pages": pages.Benchmark(lines=(1, 2)).draw,
        "charts": charts.Benchmark().draw,
        "scenes": scenes.Benchmark(objects=(1, 5)).draw,
    }
    photos = easy_vqa.Benchmark().training_pictures() if weights.get("easy_vqa") else []
    names = list(weights)
    while True:
        name = rng.choices(names, list(weights.values()))[0]
        yield rng.choice(photos) if name == "easy_vqa" else draws[name](rng)


def train(
    modules: nn.ModuleDict,
    step_loss: Callable[[], Tensor],
    *,
    minutes: float,
    rate: float,
    save_to: Path,
    report: Callable[[], str] = lambda: "",
) -> None:
    """Minimise `step_loss` for `minutes`; save and print every 100 steps.

    Under torchrun, processes average their gradients and go by the first one's clock.
    """
    parameters = [p for p in modules.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.05, betas=(0.9, 0.98))
    start, losses = time.monotonic(), []
    for step in itertools.count():
        share = _agreed((time.monotonic() - start) / 60 / minutes)
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * schedule(step, share)
        loss = step_loss()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        _average_gradients(parameters)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 100 == 99 and rank() == 0:
            mean = sum(losses[-100:]) / 100
            print(f"{share * minutes:5.1f} min  step {step + 1}  loss {mean:.4f}  {report()}", flush=True)
            save(modules, save_to)
    if rank() == 0:
        save(modules, save_to)


def rank() -> int:
    """Return this process's number under torchrun, else 0."""
    return int(os.environ.get("RANK", "0"))


def _agreed(share: float) -> float:
    if not distributed.is_initialized():
        return share
    said = torch.tensor([share], dtype=torch.float64)
    distributed.broadcast(said, 0)
    return said.item()


def _average_gradients(parameters: list[nn.Parameter]) -> None:
    if not distributed.is_initialized():
        return
    learning = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in learning])
    distributed.all_reduce(flat)
    pieces = torch.split(flat / distributed.get_world_size(), [gradient.numel() for gradient in learning])
    for gradient, piece in zip(learning, pieces, strict=True):
        gradient.copy_(piece.view_as(gradient))


def schedule(step: int, share: float) -> float:
    """Warm up over 100 steps, hold, then fall linearly to 2 % over the last half of the time."""
    return min(1.0, (step + 1) / 100) * min(1.0, max(0.02, (1 - share) * 2))


def save(modules: nn.ModuleDict, path: Path) -> None:
    """Write the weights so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    save_file({k: v.clone() for k, v in modules.state_dict().items()}, temporary)  # tied ones share memory
    temporary.replace(path)


def restore(modules: nn.ModuleDict, path: Path) -> None:
    """Load what a file holds of these modules; it may hold more or less, or heads of another size."""
    if path.exists():
        own = modules.state_dict()
        stored = {k: v for k, v in load_file(path).items() if k in own and own[k].shape == v.shape}
        modules.load_state_dict(stored, strict=False)
