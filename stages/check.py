"""check: hold every table against its expectations; a failure stops the pipeline and names the rows.

Writes: artifacts/checks.json, artifacts/data_docs/index.html.
Reads:  every table, params.yaml: grid.benchmarks.
"""

from __future__ import annotations

from pathlib import Path

from leanvlm import files, params
from leanvlm.checks import gate, page
from leanvlm.errors import exit_on_error


def main() -> None:
    """Check, write what was found, and stop if it was bad."""
    findings = gate.check(Path(), benchmarks=params.load(files.PARAMS).grid.benchmarks)
    gate.write_json(findings, files.CHECKS)
    page.write(findings, files.DATA_DOCS)
    gate.refuse_failures(findings)
    print(f"check: {len(findings)} expectations are met")


if __name__ == "__main__":
    exit_on_error(main)
