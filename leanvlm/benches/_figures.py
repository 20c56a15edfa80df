"""What every bench does with its figures: print them as lines, and keep them as artifacts/bench/<name>.json."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

FOLDER = Path("artifacts/bench")


def write(name: str, rows: list[dict[str, Any]], **settings: Any) -> None:
    """Keep the figures that a bench printed, with its settings and the machine that it ran on."""
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}
    if torch.cuda.is_available():
        machine["gpu"] = torch.cuda.get_device_name()
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"settings": settings, "machine": machine, "rows": rows}, indent=1)
    (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def span(low: float, middle: float, high: float) -> str:
    """Spell a ratio with its interval."""
    return f"{middle:.2f}x ({low:.2f} to {high:.2f})"
