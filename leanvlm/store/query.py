"""A user's SQL over the store: it may read what the store holds, and touch nothing else.

DuckDB's own limits stop most runaway queries, but not those that grow inside one function call (`repeat('a',
2000000000)` took 4 GB and 50 seconds under a limit of 512 MB and 3 seconds). So a query runs in a process of its own,
whose memory the kernel limits and which is killed when its time is up.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from threading import Timer

import duckdb

from leanvlm.errors import InputError, RunError
from leanvlm.processes.children import die_with_parent
from leanvlm.store.open import open_store, sentence
from leanvlm.store.stored_answers import StoredAnswers
from leanvlm.texts import is_storable

# read_only alone still lets `copy ... to 'file'` write
SAFE = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "threads": "2",
}
READS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
MOST_ROWS = 100_000  # a query's answer is held in memory whole
MOST_BYTES = 64_000_000  # of an answer on its way from its process
GRACE_SECONDS = 1.0  # to answer that it was stopped, before it is killed

Answer = tuple[list[str], list[tuple[object, ...]]]
Source = Path | StoredAnswers


@dataclass(frozen=True)
class Limits:
    """What one query may take."""

    seconds: float = 60
    megabytes: int = 512


def open_locked(source: Source, *, limits: Limits) -> duckdb.DuckDBPyConnection:
    """Open a store, or stored answers, for a user's SQL: no writing, no files, no extensions, no other settings.

    Raises: InputError as `open_store`.
    """
    config = SAFE | {"memory_limit": f"{limits.megabytes}MB"}
    connection = open_store(source, config=config) if isinstance(source, Path) else source.connect(config=config)
    connection.execute("set lock_configuration = true")
    return connection


def query(source: Source, sql: str, *, limits: Limits | None = None) -> Answer:
    """Answer one query: its columns and its rows.

    Raises: InputError where the store is missing or damaged, or the query is refused, wrong or too large.
    """
    limits = limits or Limits()
    ours, theirs = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=_work, args=(theirs, source, sql, limits), daemon=True)
    process.start()
    theirs.close()
    try:
        reply = _received(ours, limits)
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(reply, str):
        raise InputError(reply)
    return reply


def answer(connection: duckdb.DuckDBPyConnection, sql: str, *, limits: Limits) -> Answer:
    """Answer one query in this process, as far as DuckDB's own limits reach.

    Raises: InputError where it is refused, wrong, or takes too long or too many rows.
    """
    timer = Timer(limits.seconds, connection.interrupt)
    timer.start()
    try:
        _refuse_all_but_one_read(connection, sql)
        connection.execute(sql)
        columns = [column for (column, *_) in connection.description or []]
        rows = connection.fetchmany(MOST_ROWS + 1)
    except duckdb.InterruptException as error:
        raise InputError(_too_long(limits)) from error
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, ValueError, OverflowError) as error:
        raise InputError(f"the query cannot be answered: {sentence(error)}") from error
    finally:
        timer.cancel()
    if len(rows) > MOST_ROWS:
        raise InputError(f"the query returns more than {MOST_ROWS} rows; add a limit")
    return columns, rows


def _received(ours: Connection, limits: Limits) -> Answer | str:
    """Wait for the answer; a process that ends without one was refused memory.

    Raises: RunError where it never began.
    """
    has_started = False
    try:
        has_started = ours.recv()  # its imports are not the query's time
        if not ours.poll(limits.seconds + GRACE_SECONDS):
            return _too_long(limits)
        reply: Answer | str = ours.recv()
    except EOFError as error:
        if has_started:
            return f"{_too_much(limits)}, or broke its process"
        raise RunError("the query's process did not start; a script asks under `if __name__ == '__main__':`") from error
    return reply


def _work(theirs: Connection, source: Source, sql: str, limits: Limits) -> None:
    """Answer in a process of its own; an error is its sentence."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    theirs.send(True)
    try:
        with open_locked(source, limits=limits) as connection:
            _limit_memory(2 * limits.megabytes)  # DuckDB's share, and as much again for the answer
            reply: bytes | memoryview = ForkingPickler.dumps(answer(connection, sql, limits=limits))
            if len(reply) > MOST_BYTES:
                raise InputError(f"the answer is larger than {MOST_BYTES // 10**6} MB; ask for fewer columns or rows")
    except InputError as error:
        reply = ForkingPickler.dumps(str(error))
    except (MemoryError, duckdb.OutOfMemoryException):
        reply = ForkingPickler.dumps(_too_much(limits))
    theirs.send_bytes(reply)


def _limit_memory(megabytes: int) -> None:
    """Have Linux refuse more private memory than this process holds now and so much more; elsewhere DuckDB must do."""
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    most = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 10**6
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _refuse_all_but_one_read(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    if not is_storable(sql):
        raise InputError("the query holds a NUL or half a sign, as bytes are that are no UTF-8; write it again as text")
    statements = connection.extract_statements(sql)
    if not statements:
        raise InputError("the query is empty; write a select")
    if len(statements) > 1:
        raise InputError(f"the query cannot be answered: it is {len(statements)} statements; write one select")
    if statements[0].type not in READS:
        kind = statements[0].type.name.lower()
        raise InputError(f"the query cannot be answered: it is a statement of the kind {kind!r}; write one select")


def _too_long(limits: Limits) -> str:
    return f"the query took longer than {limits.seconds:g} seconds and was stopped"


def _too_much(limits: Limits) -> str:
    return f"the query cannot be answered: it needs more memory than {limits.megabytes} MB"
