"""Real Chromium (Debian's) for the tests of pages: started once a module, its tabs watched for faults and foreign requests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, Response, StorageState, expect, sync_playwright

NOTE = "采购部李经理说我们12.8万比用友贵了3万多😤，他做不了主，要等王总拍板。下周三带案例去见王总"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = (1280, 900), (390, 844)
expect.set_options(timeout=20_000)  # other work may share the machine


def chromium_path() -> str:
    """Where Debian's Chromium is."""
    path = shutil.which("chromium")
    assert path, "Debian's chromium is needed: `make test` installs it"
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for one module's tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def tab(
    browser: Browser, size: tuple[int, int], *own: str, axe: bool = False, session: StorageState | None = None, zone: str = "UTC"
) -> Iterator[Page]:
    """A tab in a time zone, in a session begun before where one is given, that must end with no script fault, no console error but of refused requests, and no
    request to another origin than `own`."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN", storage_state=session, timezone_id=zone)
    if axe:
        context.add_init_script(path=axe_script())
    page = context.new_page()
    faults, foreign = watched(context, page, own)
    yield page
    assert faults == []
    assert foreign == []
    context.close()


def watched(context: BrowserContext, page: Page, own: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """(script faults and console errors, addresses of foreign requests), filled while the page lives."""
    faults: list[str] = []
    foreign: list[str] = []
    page.on("pageerror", lambda e: faults.append(str(e)))
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" and "the server responded" not in m.text else None)
    context.on("request", lambda r: foreign.append(r.url) if not r.url.startswith((*own, "data:")) else None)
    return faults, foreign


def axe_script() -> Path:
    """axe-core, from the package that carries it; as init script it needs no hole in the page's policy."""
    spec = find_spec("axe_playwright_python")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "axe.min.js"


def stop_time(page: Page) -> None:
    """The page's timers run from here on only where `page.clock` is told to, however long the test takes on a busy machine."""
    page.clock.install(time=0)
    page.clock.pause_at(3600)


def accessibility_faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical by WCAG 2.2 A and AA, as `rule: target`."""
    page.wait_for_load_state()  # a document on its way has no root for axe to begin at
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags)
    return [f"{v['id']}: {n['target']}" for v in found["violations"] if v["impact"] in ("serious", "critical") for n in v["nodes"]]


def answer_about(text: str) -> Callable[[Response], bool]:
    """For expect_response: the analysis of exactly this draft. What is typed so far is analyzed at each pause."""
    return lambda r: r.request.method == "POST" and r.request.post_data_json["text"] == text
