"""A bucket of an object store, which machines share: a file is made here and put there once, whole.

A put asks the server to refuse it where the name is taken (If-None-Match), so of several writers of one name one is
first, and the others learn that; what they would have written is the same, since a name says what it was made from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from leanvlm import files
from leanvlm.errors import RunError
from leanvlm.storage._client import AT_ONCE, arrow, client
from leanvlm.storage._storage import ASIDE, Entry
from leanvlm.storage.faults import KEPT, told

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

TAKEN, RACING = 412, 409  # HTTP: another was first; another is at it, and may fail
TRIES = 5  # at a name that others are at
LARGE = 64 * 2**20  # bytes from which on a file travels in parts; S3 takes at most 5 GiB in one
DELETED = 1000  # names that S3 deletes at once


@dataclass(frozen=True)
class Bucket:
    """Objects below a prefix; see `Storage`."""

    bucket: str
    prefix: str  # ends with /
    endpoint: str  # "" for AWS
    region: str

    @property
    def inputs(self) -> Bucket:
        """Where samples and checkpoints lie: beside the cells."""
        return replace(self, prefix=f"{PurePosixPath(self.prefix).parent.as_posix()}/inputs/".removeprefix("./"))

    def where(self, name: str) -> str:
        """Spell the address."""
        return f"s3://{self.bucket}/{self.prefix}{name}"

    def entries(self, under: str = "") -> list[Entry]:
        """List objects, a request a thousand."""
        with self._told(under):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._key(under))
            found = [one for page in pages for one in page.get("Contents", ())]
        return [
            Entry(one["Key"].removeprefix(self.prefix), int(one["LastModified"].timestamp() * 1e9), one["Size"])
            for one in found
        ]

    def write(self, name: str, make: Callable[[Path], None]) -> bool:
        """Make a file here, then put it."""
        with _scratch(name) as part:
            make(part)
            return self.put(name, part)

    def put(self, name: str, file: Path) -> bool:
        """Store a file of this machine; return whether nothing had the name before."""
        with self._told(name):
            return self._put_in_parts(name, file) if file.stat().st_size >= LARGE else self._put(name, file)

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """Bring the object, for the length of a `with`."""
        with _scratch(name) as part:
            self.bring(name, part)
            yield part

    def bring(self, name: str, path: Path) -> None:
        """Write an object to a file; one that was cut on the way is asked for again, a few times."""
        with self._told(name), path.open("wb") as file:
            self._client.download_fileobj(self.bucket, self._key(name), file, Config=_transfer())

    def delete(self, name: str) -> None:
        """Delete an object, and all below it."""
        below = [self._key(entry.name) for entry in self.entries(f"{name}/")]
        with self._told(name):
            self._client.delete_object(Bucket=self.bucket, Key=self._key(name))
            for start in range(0, len(below), DELETED):
                keys = [{"Key": key} for key in below[start : start + DELETED]]
                done = self._client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
                if refused := done.get("Errors"):
                    raise RunError(f"{self.where(name)}: {len(refused)} objects cannot be deleted "
                                   f"({refused[0].get('Code')}); {KEPT}")  # fmt: skip

    def set_aside(self, name: str) -> str:
        """Copy an object to its new name, then delete the old one: no object store can rename."""
        with self._told(name):
            source = {"Bucket": self.bucket, "Key": self._key(name)}
            self._client.copy_object(Bucket=self.bucket, Key=self._key(name + ASIDE), CopySource=source)
            self._client.delete_object(**source)
        return name + ASIDE

    def arrow(self) -> tuple[FileSystem, str]:
        """Open the bucket for pyarrow, with the credentials that all else here is asked with."""
        return arrow(self.endpoint, self.region), f"{self.bucket}/{self.prefix}"

    def _put(self, name: str, file: Path) -> bool:
        from botocore.exceptions import ClientError

        for _ in range(TRIES):
            try:
                with file.open("rb") as body:
                    self._client.put_object(
                        Bucket=self.bucket, Key=self._key(name), Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256"
                    )
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == TAKEN:
                    return False
                if status != RACING:
                    raise
            else:
                return True
        raise RunError(f"{self.where(name)} is being put by others all the time; {KEPT}")

    def _put_in_parts(self, name: str, file: Path) -> bool:
        """Put a large file, unless it is there; the client's helper for parts knows no condition."""
        if any(entry.name == name for entry in self.entries(name)):
            return False
        self._client.upload_file(
            str(file), self.bucket, self._key(name), ExtraArgs={"ChecksumAlgorithm": "SHA256"}, Config=_transfer()
        )
        return True

    @property
    def _client(self) -> Any:
        return client(self.endpoint, self.region)

    def _key(self, name: str) -> str:
        return self.prefix + name

    def _told(self, name: str) -> Any:
        return told(self.where(name), self.endpoint or "AWS S3")


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=LARGE, multipart_chunksize=LARGE, max_concurrency=AT_ONCE)


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """Name a file of this process's own, as `files.whole` names its own: `leanvlm clean` finds it after a kill."""
    files.BROUGHT.mkdir(parents=True, exist_ok=True)
    part = files.BROUGHT / f".{PurePosixPath(name).name}.{uuid4().hex[:8]}.{os.getpid()}.part"
    try:
        yield part
    finally:
        files.remove(part)
