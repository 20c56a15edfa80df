"""Turn plain YAML into frozen dataclasses: a typo in a key is an error, not a default."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from leanvlm.errors import InputError

SCALARS: dict[type, tuple[Any, str]] = {
    str: (str, "a quoted text"),
    int: (int, "a whole number"),
    float: (int | float, "a number"),
    bool: (bool, "true or false"),
}


class Rule(NamedTuple):
    """What a value must be beyond its type, as a part of it."""

    holds: Callable[[Any], object]
    wanted: str


def between(least: float, most: float) -> Rule:
    """Bound a number, both ends included."""
    return Rule(lambda value: least <= value <= most, f"from {least} to {most}")


# Names become folders, items of DVC and words of a command line, so none leaves its folder or means more there.
NAME = Rule(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{,99}").fullmatch,
    "a name: up to 100 letters, digits and . _ -, of which the first is a letter or digit",
)
LOCAL = "local:"  # before the path of a file of your own questions
LOCAL_NAME = Rule(
    re.compile(r"local:[\w ./,()+@~-]{1,200}").fullmatch,
    "local: and a path of up to 200 letters, digits, spaces and . _ - , / ( ) + @ ~",
)
BENCHMARK = Rule(
    lambda text: NAME.holds(text) or LOCAL_NAME.holds(text), f"a benchmark, by {NAME.wanted}; or {LOCAL_NAME.wanted}"
)
SOME = Rule(bool, "a list of one or more")
SOME_KEYS = Rule(bool, "a block of one key or more")


def build(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML into a dataclass, a tuple, a dict or a scalar of the annotated type.

    Raises: InputError naming the first key (under `where`) that is missing, unknown, of another type or not allowed.
    """
    if is_dataclass(kind):
        return _build_block(kind, value, where)
    if get_origin(kind) is UnionType:  # null, or the first kind whose first key is there
        kinds = [one for one in get_args(kind) if one is not NoneType]
        told = [one for one in kinds[1:] if isinstance(value, dict) and fields(one)[0].name in value]
        plain = told[0] if told else kinds[0]
        return None if value is None else build(plain, value, where)
    if get_origin(kind) is tuple:
        _expect(isinstance(value, list), value, "a list", where)
        n = len(get_args(kind))
        _expect(Ellipsis in get_args(kind) or len(value) == n, value, f"a list of {n}", where)
        return tuple(build(get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if get_origin(kind) is dict:
        _expect(isinstance(value, dict), value, "a block of keys", where)
        key_kind, item_kind = get_args(kind)
        keys = [build(key_kind, key, f"a key of {where}") for key in value]
        return {key: build(item_kind, value[key], f"{where}.{key}") for key in keys}
    if kind is Any:
        return value
    if get_origin(kind) is Annotated:
        plain, *rules = get_args(kind)
        built = build(plain, value, where)
        for rule in rules:
            _expect(rule.holds(built), value, rule.wanted, where)
        return built
    return _build_scalar(kind, value, where)


def _build_scalar(kind: type, value: Any, where: str) -> Any:
    allowed, spelt = SCALARS[kind]
    _expect(isinstance(value, allowed) and isinstance(value, bool) == (kind is bool), value, spelt, where)
    _expect(not isinstance(value, float) or math.isfinite(value), value, "a finite number", where)
    return kind(value)


def _build_block(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), value, "a block of keys", where)
    known, hints = {one.name: one for one in fields(kind)}, get_type_hints(kind, include_extras=True)
    for key in value:
        if key not in known:
            raise InputError(f"{where} has no key {key!r}; it knows: {', '.join(known) or 'none'}")
    for name, one in known.items():
        if name not in value and one.default is MISSING:
            raise InputError(f"{where} lacks the key {name!r}; add it, as in `git show HEAD:params.yaml`")
    return kind(**{key: build(hints[key], item, f"{where}.{key}") for key, item in value.items()})


def _expect(holds: bool, value: Any, wanted: str, where: str) -> None:
    if not holds:
        raise InputError(f"{where} is {value!r}; it must be {wanted}")
