"""report: write the page that people read, the summary that git keeps, and what `dvc metrics` and `dvc plots` show.

Writes: artifacts/report/index.html, artifacts/summary.json, artifacts/scores, artifacts/plots.
Reads:  artifacts/leanvlm.duckdb, artifacts/ablation.json, artifacts/bench/{decoder,sinks}.json, params.yaml.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leanvlm import files, params
from leanvlm.errors import InputError, exit_on_error
from leanvlm.params._profiles import laid_text
from leanvlm.report import figures, metrics, summary
from leanvlm.report.page import page
from leanvlm.store.open import reading


def main() -> None:
    """Ask and write."""
    loaded = params.load(files.PARAMS)
    shown = loaded.report
    settings = files.PARAMS.read_text(encoding="utf-8") + laid_text(Path())
    embedded = [name for name in loaded.grid.models if Path(loaded.models[name].checkpoint) == files.EMBEDDED]
    with reading(files.STORE) as connection:
        told = summary.summarise(connection)
        text = page.render(
            connection,
            n_flips=shown.flips,
            seed=shown.seed,
            settings=settings,
            embedded=embedded,
            ablated=_stored(files.ABLATION, "make ablate"),
            decoder=_stored(files.DECODER, "make bench-decoder"),
            sinks=_stored(files.SINKS, "make bench-sinks"),
        )
        files.write(text, files.REPORT)
        _write_folder(figures.drawings(connection), files.PLOTS)
    files.write(summary.dumps(told), files.SUMMARY)
    _write_folder({name: summary.dumps(numbers) for name, numbers in metrics.by_recipe(told).items()}, files.SCORES)


def _stored(path: Path, command: str) -> Any:
    """Read what a command found, if it was run.

    Raises: InputError for a file that holds no such thing.
    """
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        found = str(error)
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no figures ({str(found)[:80]}); run `{command}` to measure them again")
    return found


def _write_folder(texts: dict[Path, str], folder: Path) -> None:
    """Write files, and leave none of an earlier run beside them; DVC wants the folder also where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        files.write(text, folder / name)
    for stale in {path for path in folder.rglob("*") if path.is_file()} - {folder / name for name in texts}:
        stale.unlink()


if __name__ == "__main__":
    exit_on_error(main)
