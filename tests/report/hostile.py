"""Texts that act where a page takes them for markup, and twins of the same length that cannot."""

from __future__ import annotations

import duckdb

# each ends whatever it stands in: an attribute, an element, a comment, a script; then it tries to act
SHORT = "\"'><img src=x onerror=document.title=1>"  # in names: a drawing has room for it, and no / cuts it
LONG = (
    "\"'--></title></style></script><script>document.title='acted'</script>"
    "<meta http-equiv=refresh content='0;url=data:text/html,<title>left'><base href=http://evil.example/>"
    "<svg/onload=document.title='acted'><a id=main href=javascript:document.title='acted'>]]>{{ 7*7 }}{% endfor %}"
    "&lt;b&gt;\u202e\u2066\u061c\x00\x07\x1b[2J\x85\r<!--"
)
NAMES = {"recipe", "method", "setting", "options"}
# columns in which the pipeline writes one of a few words
CLOSED = {"family", "acts_on", "outcome", "finish_reason", "phase", "verdict", "aggregate"}
KNOWN = {"controls/full", "controls/blind", "controls/rebatched"}  # recipes that metrics look for
TAMED = {text: "".join(sign if sign.isalnum() else "x" for sign in text) for text in (SHORT, LONG)}
TEXTS = """
    select table_name, column_name, data_type from duckdb_columns()
    where schema_name = 'main' and data_type in ('VARCHAR', 'VARCHAR[]') and not internal
"""


def hostile(column: str, text: str) -> str:
    """Append what acts to a text, where the tables may hold it."""
    if column in CLOSED or text in KNOWN:
        return text
    return text + (SHORT if column in NAMES else LONG)


def harmless(column: str, text: str) -> str:
    """Append as many characters as `hostile` does, none of which can act."""
    longer = hostile(column, text)
    return text + TAMED.get(longer[len(text) :], "")


def tame(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every hostile text of a store harmless."""
    for table, column, kind in connection.execute(TEXTS).fetchall():
        replaced = "replace(replace({}, $long, $tamed_long), $short, $tamed_short)"
        lists = f"list_transform({column}, lambda one: {replaced.format('one')})"
        texts = {"long": LONG, "tamed_long": TAMED[LONG], "short": SHORT, "tamed_short": TAMED[SHORT]}
        value = lists if kind == "VARCHAR[]" else replaced.format(column)
        connection.execute(f"update {table} set {column} = {value}", texts)
