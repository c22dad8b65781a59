"""`python -m service reanalyze` and `python -m service retention run`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer
from rich.progress import track
from sqlalchemy import Engine, select

from models.pipeline import Analyzer
from service.analyzing import AnalyzerThread
from service.bootstrap import hooks, keeping_corrections
from service.commands.accounts import TenantOption, find_tenant
from service.console import analyzer_or_exit, database_or_exit, errors, settings_or_exit, utc_now
from service.database import reading
from service.notes import store
from service.notes.deletion import run_retention
from service.notes.tables import StoredNote

retention = typer.Typer(no_args_is_help=True, help="Deleting what is older than a tenant keeps it.")


@retention.command("run")
def run() -> None:
    """Delete what is older than each tenant's retention period; meant for a daily timer."""
    done = run_retention(database_or_exit(settings_or_exit()), utc_now, hooks().erasers)
    for tenant_id, count in done.items():
        print(f"{tenant_id}: {count} notes deleted")


def reanalyze(
    tenant: TenantOption,
    notify: Annotated[bool, typer.Option(help="Deliver the new analyses to subscriptions, as for new notes.")] = False,
) -> None:
    """Analyze a tenant's notes by the active model; earlier analyses stay. May be interrupted and run again."""
    settings = settings_or_exit()
    engine = database_or_exit(settings)
    with reading(engine) as session:
        tenant_id = find_tenant(session, tenant).id
    reanalyze_all(engine, analyzer_or_exit(settings, engine), [tenant_id], notify)


def reanalyze_all(engine: Engine, analyzer: Analyzer, tenant_ids: Sequence[str], notify: bool) -> None:
    """Analyze all notes of the tenants by this model, with progress, and say how many were new to it."""
    thread = AnalyzerThread(analyzer, date.today)
    with reading(engine) as session:
        of_tenants = StoredNote.tenant_id.in_(tenant_ids)
        notes = [
            tuple(row) for row in session.execute(select(StoredNote.tenant_id, StoredNote.id).where(of_tenants).order_by(StoredNote.id))
        ]
    on_analysis = hooks().on_analysis if notify else keeping_corrections()
    new = 0
    for tenant_id, note_id in track(notes, "再分析", console=errors, disable=not errors.is_terminal):
        done = store.reanalyze(engine, thread, tenant_id, note_id, utc_now, on_analysis)
        new += done is not None and done[1]
    thread.close()
    print(f"{len(notes)} notes, {new} analyzed again by {thread.card.version}")
