"""What every bench does with its figures: print them as lines, and keep them as JSON."""

from __future__ import annotations

import json
import os
import platform
from typing import Any

import torch

from leanvlm import files
from leanvlm.commands._arguments import whole

COUNT = whole(1, 1_000_000)  # of whatever a bench is told on its command line


def write(name: str, rows: list[dict[str, Any]], **settings: Any) -> None:
    """Keep the figures that a bench printed, with its settings and the machine that it ran on."""
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    text = json.dumps({"settings": settings, "machine": machine, "rows": rows}, indent=1)
    files.write(f"{text}\n", files.BENCH / f"{name}.json")


def span(low: float, middle: float, high: float) -> str:
    """Spell a ratio with its interval."""
    return f"{middle:.2f}x ({low:.2f} to {high:.2f})"
