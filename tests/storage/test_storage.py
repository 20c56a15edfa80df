"""A folder and a bucket do the same: files are whole or not there, the first of a name stays, and none is lost."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from leanvlm import files
from leanvlm.errors import RunError
from leanvlm.processes.children import dying_with_this
from leanvlm.storage import bucket as bucket_file
from leanvlm.storage._storage import Storage
from leanvlm.storage.bucket import Bucket
from leanvlm.storage.folder import Folder
from tests.storage.server import Way, way_to

NAME = "m/r/b-0.parquet"
WRITERS = 16
PUT = """
import sys
from pathlib import Path
from leanvlm.storage.bucket import Bucket
Bucket(*sys.argv[1:5]).put("big", Path(sys.argv[5]))
"""


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    found: Storage = Folder(Path("pool")) if request.param == "folder" else request.getfixturevalue("bucket")
    return found


def put(storage: Storage, name: str, content: bytes) -> bool:
    def write(path: Path) -> None:
        with files.whole(path) as part:
            part.write_bytes(content)

    return storage.write(name, write)


def content(storage: Storage, name: str) -> bytes:
    with storage.reading(name) as path:
        return path.read_bytes()


def names(storage: Storage, under: str = "") -> list[str]:
    return sorted(entry.name for entry in storage.entries(under))


def test_what_is_written_is_listed_read_set_aside_and_deleted(storage: Storage) -> None:
    before = time.time_ns()
    assert names(storage) == []
    assert put(storage, NAME, b"one") is True
    assert put(storage, "m/r/b-1.batches/0", b"twos") is True
    assert put(storage, "m/r2/b-0.parquet", b"") is True
    assert names(storage, "m/r/") == [NAME, "m/r/b-1.batches/0"]
    [entry] = storage.entries("m/r/b-1.batches/")
    assert entry.n_bytes == 4
    assert abs(entry.modified_ns - before) < 60 * 10**9
    assert content(storage, NAME) == b"one"
    assert storage.set_aside(NAME) == f"{NAME}.set-aside"
    assert content(storage, f"{NAME}.set-aside") == b"one"
    storage.delete("m/r/b-1.batches")
    storage.delete("m/r/b-1.batches")
    storage.delete("m/r2/b-0.parquet")
    assert names(storage) == [f"{NAME}.set-aside"]
    assert not list(Path().rglob("*.part"))


def test_it_travels_to_a_worker(storage: Storage) -> None:
    put(storage, NAME, b"one")
    assert content(pickle.loads(pickle.dumps(storage)), NAME) == b"one"


def test_half_a_file_is_never_stored(storage: Storage) -> None:
    def breaks(path: Path) -> None:
        with files.whole(path) as part:
            part.write_bytes(b"half")
            raise RunError("no")

    with pytest.raises(RunError):
        storage.write(NAME, breaks)
    assert names(storage) == []


def test_of_many_writers_of_one_name_one_is_first_and_none_fails(bucket: Bucket) -> None:
    together = Barrier(WRITERS)

    def write(number: int) -> bool:
        together.wait()
        return put(bucket, NAME, str(number).encode())

    with ThreadPoolExecutor(WRITERS) as pool:
        was_first = list(pool.map(write, range(WRITERS)))
    assert sum(was_first) == 1
    assert content(bucket, NAME) == str(was_first.index(True)).encode()
    assert put(bucket, NAME, b"later") is False


def test_a_large_file_travels_in_parts(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_file, "LARGE", 5 * 2**20)  # the least that S3 takes as a part
    large = Path("large")
    large.write_bytes(os.urandom(11 * 2**20))
    assert bucket.put("large", large) is True
    assert bucket.put("large", large) is False
    bucket.bring("large", Path("again"))
    assert Path("again").read_bytes() == large.read_bytes()


def kill_in_the_midst(bucket: Bucket, way: Way, after: int) -> bool:
    """Kill a process that puts a file once so many bytes of it are on their way; tell whether it was at it still."""
    arguments = (bucket.bucket, bucket.prefix, way.url, bucket.region, "large")
    writer = subprocess.Popen([sys.executable, "-c", PUT, *arguments], preexec_fn=dying_with_this())
    while way.sent < after and writer.poll() is None:
        time.sleep(0.005)
    writer.kill()
    was_at_it = writer.wait() == -signal.SIGKILL
    before = -1
    while before < way.sent:  # what the kernel had taken goes on its way
        before = way.sent
        time.sleep(0.5)
    return was_at_it


def test_a_kill_in_the_midst_of_a_put_leaves_no_object(bucket: Bucket) -> None:
    Path("large").write_bytes(os.urandom(2**24))
    with way_to(bucket.endpoint) as way:
        way.seconds = 0.005
        assert kill_in_the_midst(bucket, way, 2**20)
    assert names(bucket) == []
    assert bucket.put("big", Path("large")) is True


@pytest.mark.chaos
def test_twenty_kills_leave_no_half_object(bucket: Bucket) -> None:
    """At other moments, with files that travel in one piece and in parts; a kill can come after the last byte."""
    n_none = 0
    for number in range(20):
        size = 2**24 if number % 2 else bucket_file.LARGE + 2**20
        Path("large").write_bytes(os.urandom(size))
        with way_to(bucket.endpoint) as way:
            way.seconds = 0.005
            kill_in_the_midst(bucket, way, size * (number + 1) // 30)
        if names(bucket):
            assert content(bucket, "big") == Path("large").read_bytes()
            bucket.delete("big")
        else:
            n_none += 1
    print(f"{n_none} of 20 kills left no object, the others a whole one")
    assert n_none >= 10
    assert bucket.put("big", Path("large")) is True


@pytest.mark.parametrize("end", ["up", "down"])
def test_a_connection_that_is_lost_is_made_again(bucket: Bucket, end: str) -> None:
    Path("large").write_bytes(os.urandom(2**20))
    bucket.put("large", Path("large"))
    with way_to(bucket.endpoint) as way:
        far = replace(bucket, endpoint=way.url)
        setattr(way, end, 300_000)
        way.cuts = 1
        if end == "up":
            assert far.put("again", Path("large")) is True
        else:
            far.bring("large", Path("brought"))
            assert Path("brought").read_bytes() == Path("large").read_bytes()
        assert way.cuts == 0


@pytest.mark.parametrize("end", ["up", "down"])
def test_one_that_is_always_lost_is_one_sentence(bucket: Bucket, end: str) -> None:
    Path("large").write_bytes(os.urandom(2**20))
    bucket.put("large", Path("large"))
    begun = time.monotonic()
    with way_to(bucket.endpoint) as way:
        far = replace(bucket, endpoint=way.url)
        setattr(way, end, 300_000)
        with pytest.raises(RunError, match=r"^the connection to http://127\.0\.0\.1:\d+ was lost at s3://.*run again$"):
            far.put("again", Path("large")) if end == "up" else far.bring("large", Path("brought"))
    assert time.monotonic() - begun < 60
    assert names(bucket) == ["large"]
