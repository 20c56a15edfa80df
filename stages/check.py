"""check: hold every table against its expectations; a failure stops the pipeline and names the rows.

Writes: artifacts/checks.json, artifacts/data_docs/index.html.
Reads:  every table, params.yaml: grid.benchmarks.
"""

from __future__ import annotations

from pathlib import Path

from leanvlm import check_docs, checks, params
from leanvlm.errors import exit_on_error


def main() -> None:
    """Check, write what was found, and stop if it was bad."""
    findings = checks.check(Path(), benchmarks=params.load(Path("params.yaml")).grid.benchmarks)
    checks.write_json(findings, Path("artifacts/checks.json"))
    check_docs.write(findings, Path("artifacts/data_docs"))
    checks.refuse_failures(findings)
    print(f"check: {len(findings)} expectations are met")


if __name__ == "__main__":
    exit_on_error(main)
