from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judging.endpoint import Endpoint, serving


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """An endpoint that gives 0.5, in a folder where nothing was judged yet."""
    monkeypatch.chdir(tmp_path)
    with serving() as found:
        yield found
