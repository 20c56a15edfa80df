"""vLLM's worker on a CPU, whose runner in vLLM 0.32.0 forgets to ask whether a model places its own visual tokens.

Source:  vLLM 0.32.0, v1/worker/gpu_model_runner.py, which asks when it has loaded a model, and cpu_model_runner.py,
         which loads it in another way (read, not copied).
"""

from __future__ import annotations

from typing import Any

from vllm.v1.worker.cpu_worker import CPUWorker


class Worker(CPUWorker):  # type: ignore[misc]
    """Tells the runner; our models are the only ones that are served with this worker."""

    def load_model(self, *args: Any, **options: Any) -> None:
        """Load the model."""
        super().load_model(*args, **options)
        self.model_runner.is_multimodal_pruning_enabled = True
