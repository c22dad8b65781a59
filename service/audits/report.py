"""An audit as a report in one file: HTML with its charts inside, and that printed as PDF by a Chromium on this machine."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

from jinja2 import Environment

from service.audits import charts, words
from service.audits.result import Audit
from service.rendering import STATIC

STYLES = ("base.css", "audit.css", "report.css")
SECONDS = 60
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # a report needs no network, so its printer gets none
)


class PdfError(Exception):
    """No PDF can be made here; says what is missing and nothing of the report."""


def html(audit: Audit, environment: Environment, made: date) -> str:
    """The report as one HTML file that needs nothing else: styles and charts stand in it, scripts there are none."""
    style = "\n".join((STATIC / name).read_text("utf-8") for name in STYLES)
    drawn = {name: _data_url(charts.svg(name, audit)) for name in charts.TITLES} if audit.notes else {}
    return environment.get_template("audit_report.html").render(
        audit=audit, style=style, charts=drawn, titles=charts.TITLES, words=words, made=made
    )  # fmt: skip


def _data_url(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def find_chromium(path: Path | None) -> str:
    """The Chromium to print with. Raises PdfError where there is none."""
    found = shutil.which(str(path)) if path is not None else shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise PdfError("A PDF needs Chromium on this machine: install it, or name it by FUPAN_CHROMIUM_PATH. HTML and xlsx need none.")
    return found


def pdf(report: str, chromium: Path | None) -> bytes:
    """The report printed by Chromium. Raises PdfError."""
    program = find_chromium(chromium)
    # The report holds what notes say: the folder is this user's alone and goes at the end, and nothing of it is logged.
    with tempfile.TemporaryDirectory(prefix="fupan-report-") as folder:
        page, out = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(report, "utf-8")
        # Chromium's own sandbox does not start for root, as in most containers; the page has no script (its policy forbids any).
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [program, *FLAGS, *root, f"--user-data-dir={folder}/profile", f"--print-to-pdf={out}", page.as_uri()]
        try:
            subprocess.run(  # noqa: S603 (our own flags, an operator's path)
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS, check=True
            )
            return out.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise PdfError(f"Chromium did not make the PDF ({type(error).__name__}).") from None
