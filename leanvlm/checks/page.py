"""Data Docs: what is expected of every table and what came of it, as one page that opens offline.

Great Expectations' own site loads about ten scripts and styles from a content network and stamps every run
with new ids, so we show its sentences and results on a page of ours, the same for the same tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from leanvlm import files
from leanvlm.checks.validate import Finding
from leanvlm.markup import element

PAGE = Markup("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Data Docs</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }}
tr {{ border-bottom: 1px solid #8884; }}
.failed {{ color: #c0362c; font-weight: 600; }}
code {{ font-size: 13px; overflow-wrap: anywhere; }}
</style>
<h1>Data Docs</h1>
<p>{summary}</p>
{tables}
</html>
""")  # formatting escapes what it puts in


def write(findings: Sequence[Finding], folder: Path) -> None:
    """Write index.html."""
    files.write(page(findings), folder / "index.html")


def page(findings: Sequence[Finding]) -> str:
    """Render all findings, table by table, in the order given."""
    n_met = sum(finding.is_met for finding in findings)
    by_table = groupby(findings, key=lambda finding: finding.table)
    tables = [_table(name, list(of_table)) for name, of_table in by_table]
    summary = f"{n_met} of {len(findings)} expectations are met, over {len(tables)} tables."
    return str(PAGE.format(summary=summary, tables=Markup("\n").join(tables)))


def _table(name: str, findings: Sequence[Finding]) -> Markup:
    names = element("tr", *(element("th", name) for name in ("met", "expectation", "failing rows")))
    table = element("table", Markup("\n").join([names, *map(_row, findings)]))
    return Markup("\n").join([element("h2", name), element("p", f"{findings[0].n_rows} rows"), table])


def _row(finding: Finding) -> Markup:
    met = "yes" if finding.is_met else element("span", "no", class_="failed")
    named = Markup("<br>").join(element("code", row) for row in finding.rows)
    failing = [f"{finding.n_failing}: ", named] if finding.rows else [""]
    return element("tr", element("td", met), element("td", finding.expectation), element("td", *failing))
