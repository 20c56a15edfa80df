"""Build a method from the texts of a recipe's part, and write its options in their one form."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields
from typing import Any

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.methods._method import Method

STRENGTHS = ("budget", "setting")  # the fields that a setting fills; all others are options


def build(method: str, setting: str | None, options: str) -> Method:
    """Return the method's object: `setting` fills its strength, `options` ("kernel=5,shared=true") its other fields.

    Raises: InputError for an unknown method or option, a setting that it lacks or does not take, or a bad value.
    """
    kind: type[Method] = plugins.load("methods", method)
    known = {field.name: field for field in fields(kind)}
    given = _strength(method, setting, known)
    allowed = [key for key in known if key not in STRENGTHS]
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name not in allowed:
            raise InputError(f"{method} has no option {name!r}; it has: {', '.join(allowed) or 'none'}")
        if name in given:
            raise InputError(f"{method} has the option {name!r} twice; leave one")
        given[name] = _value(method, name, value, known[name].default)
    return kind(**given)


def canonical(built: Method) -> str:
    """Spell a method's options: in order of names, without those that are as by default."""
    chosen = []
    for field in sorted(fields(built), key=lambda field: field.name):
        value = getattr(built, field.name)
        if field.name not in STRENGTHS and value != field.default:
            chosen.append(f"{field.name}={str(value).lower() if isinstance(value, bool) else value}")
    return ",".join(chosen)


def _strength(method: str, setting: str | None, known: Collection[str]) -> dict[str, Any]:
    name = next((name for name in STRENGTHS if name in known), None)
    if name is None:
        if setting is not None:
            raise InputError(f"{method} takes no setting, but {setting!r} was given; write {method}")
        return {}
    if setting is None:
        raise InputError(f"{method} needs a setting, as in {method}@{'10%' if name == 'budget' else '...'}")
    return {name: _share(setting, method) if name == "budget" else setting}


def _share(setting: str, method: str) -> float:
    """Read "10%" as 0.1.

    Raises: InputError for a text that is no percentage in (0, 100].
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", setting)
    if match is None or not 0 < float(match[1]) <= 100:
        raise InputError(
            f"{method} cannot keep {setting!r}; a budget is the share kept, above 0% and up to 100%, as in {method}@10%"
        )
    return float(match[1]) / 100


def _value(method: str, name: str, value: str, default: Any) -> Any:
    if isinstance(default, str):
        return value
    if isinstance(default, bool):
        if value in ("true", "false"):
            return value == "true"
        raise InputError(f"{method}:{name} is true or false, not {value!r}")
    try:
        return type(default)(value)
    except ValueError:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise InputError(f"{method}:{name} is {kind}, not {value!r}") from None
