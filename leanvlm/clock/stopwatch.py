"""Read a device's own clock between the phases of a run: events of its stream on CUDA, a monotonic clock on a CPU."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch


class Watch(Protocol):
    """What looks at the phases of a run."""

    def phase(self, name: str) -> Any:
        """Look at what happens within a `with`; several of one name add up."""
        ...


class Stopwatch:
    """Seconds by phase. On CUDA phases follow each other without waiting for the device, as they do when it serves."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.marks: list[tuple[str, Any, Any]] = []  # phase, begin, end

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens within a `with`."""
        begin = self._now()
        yield
        self.marks.append((name, begin, self._now()))

    def seconds(self) -> dict[str, float]:
        """Add up the seconds of each phase, once the device has done all."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        found: dict[str, float] = {}
        for name, begin, end in self.marks:
            found[name] = found.get(name, 0.0) + self._between(begin, end)
        return found

    def _now(self) -> Any:
        if self.device.type != "cuda":
            return time.perf_counter()
        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self.device))
        return event

    def _between(self, begin: Any, end: Any) -> float:
        return begin.elapsed_time(end) / 1000 if self.device.type == "cuda" else end - begin  # type: ignore[no-any-return]
