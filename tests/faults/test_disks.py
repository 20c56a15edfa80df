"""A disk that is full or read-only, which the kernel makes so: one sentence, nothing half written, and it goes on.

Each try is a process in a user namespace of its own, where a small tmpfs can be mounted; where the system allows no
such namespace, the tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkouts import ROOT

WRITERS = {
    "a table": "from leanvlm.tables._parquet import write_parquet as f; import pyarrow as pa; import numpy as np\n"
    "f(pa.table({'x': np.random.default_rng(0).random(400_000)}), path)",
    "a text": "files.write('x' * 3_000_000, path)",
    "a checkpoint": "import torch; from safetensors.torch import save_file\n"
    "with files.whole(path) as part:\n"
    "    part.mkdir(); save_file({'w': torch.rand(600_000)}, part / 'model.safetensors')",
    "a store": "import duckdb\n"
    "with files.whole(path) as part, duckdb.connect(str(part)) as c:\n"
    "    c.execute('create table t as select random() from range(400_000)')",
    "the output": "import sys; sys.stdout = path.open('w'); print('x' * 3_000_000)",
}
PROGRAM = """
from pathlib import Path
from leanvlm import files
from leanvlm.errors import exit_on_error
path = Path("disk/made")
def main():
{body}
exit_on_error(main)
"""
FULL = "mount -t tmpfs -o size=1m none disk"
READ_ONLY = "mount -t tmpfs -o size=9m none disk && mount -o remount,ro disk"
IN_USER_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = [*IN_USER_NAMESPACE, "mount -t tmpfs none /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="no user namespace with mounts here")


def on_disk(folder: Path, mount: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the folder `disk` is what `mount` makes of it, and list afterwards what lies there."""
    (folder / "disk").mkdir(exist_ok=True)
    script = f'{mount} && {{ {command}; status=$?; echo "left: $(ls -A disk)"; exit $status; }}'
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable}
    return subprocess.run(
        [*IN_USER_NAMESPACE, script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("mount", [FULL, READ_ONLY], ids=["full", "read-only"])
def test_it_is_one_sentence_and_nothing_is_left(what: str, mount: str, tmp_path: Path) -> None:
    body = "\n".join(f"    {line}" for line in WRITERS[what].splitlines())
    (tmp_path / "program.py").write_text(PROGRAM.format(body=body))
    done = on_disk(tmp_path, mount, '"$PYTHON" program.py')
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("leanvlm: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "disk" in done.stderr
    assert "run again" in done.stderr
    assert what == "the output" or done.stdout == "left: \n"
