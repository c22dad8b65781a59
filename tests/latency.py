"""`make latency`: milliseconds from the last key to the new score on the note page, in real Chromium against the real server. Nothing fails on slowness."""

from __future__ import annotations

from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

from tests.service.browser import DESKTOP, NOTE, chromium, tab
from tests.service.serving import Serving

ROUNDS = 20
MEASURE = """() => {
  window.times = [];
  let typed = 0, sent = 0;
  const original = window.fetch;
  window.fetch = (...request) => { sent = performance.now(); return original(...request); };
  note.addEventListener('input', event => { typed = event.timeStamp; });
  new MutationObserver(() => requestAnimationFrame(() => {
    const shown = performance.now();
    times.push([shown - typed, shown - sent]);
  })).observe(document.getElementById('score'), {childList: true});
}"""


def measured(page: Page, text: str) -> list[tuple[float, float]]:
    """(from the last key, from the request) to the painted score, ROUNDS times, one more character each time."""
    page.get_by_label("拜访记录").fill(text)
    page.locator("#result").wait_for()
    page.evaluate(MEASURE)
    for done in range(1, ROUNDS + 1):
        page.keyboard.insert_text("好啊"[done % 2])
        page.wait_for_function("n => times.length >= n", arg=done)
    return [tuple(pair) for pair in page.evaluate("times")]


def main() -> None:
    """Print one line a note."""
    with TemporaryDirectory() as folder, chromium() as browser:
        server = Serving(Path(folder))
        for text in (NOTE, NOTE * 6, NOTE * 64):
            with tab(browser, DESKTOP, server.url) as page:
                page.goto(server.url + "/")
                times = measured(page, text)
            keys, requests = [a for a, _ in times], [b for _, b in times]
            print(
                f"{len(text):5} characters: last key to score {median(keys):.0f} ms (p90 {quantiles(keys, n=10)[-1]:.0f}), "
                f"of which after the pause {median(requests):.0f} ms"
            )
        server.stop()


if __name__ == "__main__":
    main()
