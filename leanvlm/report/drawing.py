"""Strokes that several plots share: paths, words beside axes, and a plot's frame."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from leanvlm.markup import element


def path(kind: str, drawn: str) -> Markup:
    """Draw a path of a kind that the style sheet knows."""
    return element("path", class_=kind, d=drawn)


def through(corners: Sequence[tuple[float, float]]) -> str:
    """Spell a line through corners [pixels]."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)


def text(said: str, x: float, y: float, *, anchor: str, kind: str = "tick") -> Markup:
    """Write a number beside an axis, or words of another kind that the style sheet knows [pixels]."""
    return element("text", said, class_=kind, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def dot(said: str, x: float, y: float, kind: str = "") -> Markup:
    """Mark a place [pixels], with what a pointer over it is told."""
    place = f"translate({x:.1f} {y:.1f})"
    return element(
        "g", element("title", said), element("circle", r=3.4), class_=f"point {kind}".strip(), transform=place
    )


def plot(width: int, height: int, label: str, *drawn: Markup) -> Markup:
    """Frame what was drawn; `label` is what those hear who do not see it."""
    return element("svg", *drawn, class_="plot", viewBox=f"0 0 {width} {height}", role="img", aria_label=label)
