"""A checkout in a temporary folder with a random model and four samples, whose stages can be run and killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

ROOT = Path(__file__).parents[1]
RECIPES = (
    "controls/full",
    "controls/blind",
    "controls/downsample@10%",
    "controls/random_tokens@10%",
    "controls/random_cache@10%",
    "cache/snapkv@10%",
    "weights/wanda@50%",
)
PARAMS = """
grid:
  models: [embedded]
  benchmarks: [easy_vqa, documents]
  recipes: [{recipes}]
models:
  embedded: {{architecture: llava_onevision, checkpoint: artifacts/models/embedded}}
benchmarks: {{}}
samples: {{n: {n}, seed: 0}}
calibration: {{n: 4, seed: 0, sources: [documents, easy_vqa]}}
compress: {{device: cpu, dtype: float32}}
answer: {{max_new_tokens: 6, dtype: float32, device: cpu, workers: 1, rows: 8, keep_unused_cells: 50}}
storage: {storage}
judge: null
clock: {{benchmark: documents, samples: 1, new_tokens: 3, processes: 1, repeats: 1, threads: 1}}
tally: {{resamples: 50, seed: 0}}
ablation: {{n: 2, recipes: ["controls/full", "controls/blind"], knobs: {{documents: {{lines: [1, 4]}}}}}}
report: {{flips: 2}}
train: {{seed: 1, tower_minutes: 1, finding_minutes: 1, decoder_minutes: 1, projector_minutes: 1, together_minutes: 1,
  relating_minutes: 1, last_minutes: 1}}
"""


def write_params(folder: Path, recipes: tuple[str, ...] = RECIPES, *, n: int = 3, storage: str = "null") -> None:
    quoted = ", ".join(f'"{recipe}"' for recipe in recipes)
    (folder / "params.yaml").write_text(PARAMS.format(recipes=quoted, n=n, storage=storage))


def run(
    folder: Path, *command: str, server: str | None = None, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """Run Python with the checkout's own code; server, the address of a Prefect server that it is to use."""
    named = {"PREFECT_API_URL": server, "PREFECT_HOME": str(folder / ".prefect")} if server else {}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment(folder) | named,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def environment(folder: Path) -> dict[str, str]:
    own = {
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),  # Ray's, too
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # DVC's commands say `python`
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "DVC_SITE_CACHE_DIR": str(folder / ".site"),
    }
    return {**{k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}, **own}


def make(folder: Path, model: Path) -> None:
    """Lay out the project's code, its pipeline and a model; no data yet."""
    ignored = shutil.ignore_patterns("*.pyc.*")  # which Python is writing; what is compiled need not be compiled again
    for name in ("leanvlm", "stages", "flows"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("dvc.yaml", "prefect.yaml", "prefect.toml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(model, folder / "artifacts/models/embedded")
    for name in ("checkpoints.yaml", "profile.yaml"):
        shutil.copy(ROOT / "artifacts" / name, folder / "artifacts" / name)
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    weights = folder / "artifacts/models/embedded/model.safetensors"
    halves = {name: tensor.bfloat16() for name, tensor in load_file(weights).items()}
    save_file(halves, weights, metadata={"format": "pt"})  # as the embedded model is stored
    (folder / "artifacts/bench").mkdir()
    for name in ("ablation.json", "bench/decoder.json", "bench/sinks.json"):
        shutil.copy(ROOT / "artifacts" / name, folder / "artifacts" / name)
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    write_params(folder)
