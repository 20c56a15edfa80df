"""A model without a tiny one would pass every general test by being asked none."""

from __future__ import annotations

import pytest

from leanvlm import plugins
from tests.models import tiny


@pytest.mark.parametrize("name", plugins.ids("models"))
def test_a_model_has_a_tiny_one_that_the_general_tests_ask(name: str) -> None:
    if name != tiny.EMBEDDED:
        assert name in tiny.BUILDERS, (
            f"leanvlm/models/{name}.py is tested by nothing: write {name}() in tests/models/tiny.py"
        )
