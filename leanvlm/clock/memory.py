"""The most memory that a run takes beside what was held before it, as the device or Linux tells."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """Measures from its making to `read`."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
            self.before = torch.cuda.memory_allocated(device)
        elif sys.platform == "linux":
            RESET.write_text("5")  # proc(5): the high water mark becomes what is held now
            self.before = _kilobytes("VmRSS") * 1024

    def read(self) -> int | None:
        """Return the bytes; None where the system does not tell."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return torch.cuda.max_memory_allocated(self.device) - self.before
        return max(0, _kilobytes("VmHWM") * 1024 - self.before) if sys.platform == "linux" else None


def _kilobytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    assert found is not None, "proc(5) lists it"
    return int(found[1])
