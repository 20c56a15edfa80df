"""How much power a device draws, where it tells; else nobody guesses."""

from __future__ import annotations

import torch


def watts(device: torch.device) -> float | None:
    """Ask the device; None where it does not tell: CPUs, and GPUs without the package nvidia-ml-py."""
    if device.type != "cuda":
        return None
    try:
        return torch.cuda.power_draw(device) / 1000
    except (ModuleNotFoundError, RuntimeError):
        return None
