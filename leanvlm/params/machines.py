"""Other machines: the workers of a cluster, and the object store where machines share what they need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from leanvlm.endpoints import is_address, is_bucket, is_endpoint
from leanvlm.typed import Rule, between

SERVER = Rule(lambda url: not url or is_endpoint(url), "http(s)://host[:port], and no user or query in it; or nothing")
REGION = Rule(re.compile(r"[a-z0-9-]{1,50}").fullmatch, "a region, such as us-east-1")


@dataclass(frozen=True)
class Cluster:
    """Whose workers answer and compress, each on a GPU of its own: those of one that runs, or of one for this run."""

    runner: Annotated[str, Rule(("dask", "ray").__contains__, "dask or ray")]
    address: Annotated[str, Rule(is_address, "tcp://HOST:PORT of Dask's scheduler, or HOST:PORT of Ray's head")] = ""
    workers: Annotated[int, between(0, 1000)] = 0  # of a cluster on this machine, which ends with the run
    folder: str = ""  # where workers find this checkout, if not under the path that it has here


@dataclass(frozen=True)
class ObjectStore:
    """Where cells, samples and checkpoints lie that machines share; credentials are never written here."""

    url: Annotated[str, Rule(is_bucket, "s3://bucket or s3://bucket/prefix, in letters, digits and . _ = -")]
    endpoint: Annotated[str, SERVER] = ""  # else AWS itself
    region: Annotated[str, REGION] = "us-east-1"
