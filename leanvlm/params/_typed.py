"""Turn plain YAML into frozen dataclasses: a typo in a key is an error, not a default."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from leanvlm.errors import InputError

SCALARS: dict[type, tuple[Any, str]] = {
    str: (str, "a quoted text"),
    int: (int, "a whole number"),
    float: (int | float, "a number"),
    bool: (bool, "true or false"),
}


class AtLeast(NamedTuple):
    """What a whole number must not be less than, as a part of its type."""

    least: int


def build(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML into a dataclass, a tuple, a dict or a scalar of the annotated type.

    Raises: InputError naming the first key (under `where`) that is missing, unknown, of another type or too small.
    """
    if is_dataclass(kind):
        return _build_block(kind, value, where)
    if get_origin(kind) is tuple:
        _expect(isinstance(value, list), value, "a list", where)
        n = len(get_args(kind))
        _expect(Ellipsis in get_args(kind) or len(value) == n, value, f"a list of {n}", where)
        return tuple(build(get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if get_origin(kind) is dict:
        _expect(isinstance(value, dict), value, "a block of keys", where)
        return {key: build(get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is Any:
        return value
    if get_origin(kind) is Annotated:
        number, bound = get_args(kind)
        _expect(build(number, value, where) >= bound.least, value, f"{bound.least} or more", where)
        return value
    return _build_scalar(kind, value, where)


def _build_scalar(kind: type, value: Any, where: str) -> Any:
    allowed, spelt = SCALARS[kind]
    _expect(isinstance(value, allowed) and isinstance(value, bool) == (kind is bool), value, spelt, where)
    return kind(value)


def _build_block(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), value, "a block of keys", where)
    known, hints = {one.name: one for one in fields(kind)}, get_type_hints(kind, include_extras=True)
    for key in value:
        if key not in known:
            raise InputError(f"{where} has no key {key!r}; it knows: {', '.join(known) or 'none'}")
    for name, one in known.items():
        if name not in value and one.default is MISSING:
            raise InputError(f"{where} lacks the key {name!r}; add it, or `git checkout params.yaml`")
    return kind(**{key: build(hints[key], item, f"{where}.{key}") for key, item in value.items()})


def _expect(holds: bool, value: Any, wanted: str, where: str) -> None:
    if not holds:
        raise InputError(f"{where} is {value!r}; it must be {wanted}")
