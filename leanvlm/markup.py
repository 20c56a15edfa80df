"""The one way to make markup in Python: what comes from a user becomes text or an attribute's value, nothing else.

Templates escape by themselves and pass what they print through `visible`; drawings are built of `element`s.
"""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup, escape

# what is no text or reorders the text around it: controls but tab and newline, marks of direction, halves of pairs
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)


def visible(value: Any) -> Any:
    """Show as � what is no text in a text, or would reorder or break a page; markup stays as it is."""
    return UNPRINTABLE.sub("\ufffd", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def text(value: str) -> Markup:
    """Escape a text; markup stays as it is."""
    return escape(visible(value))


def element(name: str, *content: str, **attributes: str | float) -> Markup:
    """Return an element; without any content it closes itself, as a shape of SVG does.

    Names of attributes are written with _ for -, and class_ for class: `element("text", name, text_anchor="end")`.
    """
    spelt = {key.rstrip("_").replace("_", "-"): text(str(value)) for key, value in attributes.items()}
    head = Markup("".join(f' {key}="{value}"' for key, value in spelt.items()))  # keys are ours, values escaped
    if not content:
        return Markup("<{}{}/>").format(name, head)
    return Markup("<{0}{1}>{2}</{0}>").format(name, head, Markup("").join(text(part) for part in content))
