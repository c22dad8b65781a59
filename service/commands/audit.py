"""`python -m service audit`: a report of a team and a period into a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from service.accounts.access import Principal
from service.audits import report, workbook
from service.audits.audit import audit as figures
from service.audits.result import Audit
from service.audits.selection import ASLEEP_DAYS, AuditFilter, Step, settle
from service.commands.accounts import TenantOption, find_tenant, team_id_of
from service.console import database_or_exit, fail, settings_or_exit
from service.database import reading
from service.rendering import Pages


def audit(
    tenant: TenantOption,
    out: Annotated[Path, typer.Option(help="The file to write: .xlsx, .html or .pdf (by Chromium).")],
    team: Annotated[str | None, typer.Option(help="Id or name of the team. Default: all teams.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day. Default: 90 days before the last.")
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: today.")] = None,
    step: Annotated[Step, typer.Option(help="Figures follow weeks or months.")] = "week",
    asleep_days: Annotated[int, typer.Option(min=1, max=3650, help="A customer not visited for so long is asleep.")] = ASLEEP_DAYS,
) -> None:
    """Write the audit of a team and a period as a report."""
    settings = settings_or_exit()
    environment, today = Pages().environment, date.today()

    def html(found: Audit) -> str:
        return report.html(found, environment, today)

    forms: dict[str, Callable[[Audit], bytes]] = {
        ".html": lambda found: html(found).encode(),
        ".xlsx": workbook.xlsx,
        ".pdf": lambda found: report.pdf(html(found), settings.chromium_path),
    }
    form = forms.get(out.suffix.lower())
    if form is None:
        raise fail(f"--out: the file's name must end in one of {', '.join(forms)}")
    with reading(database_or_exit(settings)) as session:
        tenant_id = find_tenant(session, tenant).id
        criteria = AuditFilter(
            team=team_id_of(session, tenant_id, team) if team else None, since=since.date() if since else None,
            until=until.date() if until else None, step=step, asleep_days=asleep_days,
        )  # fmt: skip
        found = figures(session, Principal(tenant_id, "", "admin"), settle(criteria, today))
    try:
        out.write_bytes(form(found))
    except report.PdfError as error:
        raise fail(str(error), 1) from None
    except OSError as error:
        raise fail(f"--out: {error.strerror}", 1) from None
    print(f"{out}: {found.notes} notes, {found.selection.since} to {found.selection.until}")
