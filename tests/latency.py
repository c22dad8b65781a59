"""`make latency`: milliseconds from the last key to the new score on the note page, in real Chromium against the real server. Nothing fails on slowness.

The notes are the corpus's, joined to the length wanted: one sentence said again and again would be read once (models/text.py, without_repeats).
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from playwright.sync_api import Page

from tests.service.browser import DESKTOP, chromium, tab
from tests.service.serving import Serving
from training.corpus import read_split

SIZES = (50, 300, 1000, 3000)
ROUNDS = 30
MEASURE = """() => {
  window.times = [];
  const painted = act => requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => act(performance.now()); port2.postMessage(0); });
  let typed = 0, echoed = 0, sent = 0, answered = 0;
  const original = window.fetch;
  window.fetch = async (...request) => {
    sent = performance.now();
    const answer = await original(...request), text = await answer.text();
    answered = performance.now();
    return new Response(text, { status: answer.status });
  };
  note.addEventListener('input', event => { typed = event.timeStamp; painted(at => { echoed = at; }); });
  new MutationObserver(() => painted(at => times.push([echoed - typed, at - typed, at - sent, answered - sent, at - answered])))
    .observe(document.getElementById('score'), {childList: true});
}"""
"""What is measured of each key: to its own painting; to the new score's painting; to that from the request; the request's answer; reading and painting it."""


def measured(page: Page, text: str) -> list[tuple[float, ...]]:
    """What MEASURE says, ROUNDS times, one more character each time."""
    page.get_by_label("拜访记录").fill(text)
    page.locator("#result").wait_for()
    page.evaluate(MEASURE)
    for done in range(1, ROUNDS + 1):
        page.keyboard.insert_text("好啊"[done % 2])
        page.wait_for_function(
            "n => times.length >= n", arg=done, polling=100
        )  # by default it asks at every frame, beside what is measured
    return [tuple(row) for row in page.evaluate("times")]


def main() -> None:
    """Print one line a note."""
    joined = "\n".join(note["text"] for note in read_split("dev"))
    print(f"load {os.getloadavg()[0]:.1f}; median (p90) in ms of {ROUNDS} keys")
    with TemporaryDirectory() as folder, chromium() as browser:
        server = Serving(Path(folder))
        for size in SIZES:
            with tab(browser, DESKTOP, server.url) as page:
                page.goto(server.url + "/")
                columns = zip(*measured(page, joined[:size]), strict=True)
            echo, whole, after, answer, shown = (f"{median(c):.0f} ({quantiles(c, n=10)[-1]:.0f})" for c in columns)
            print(
                f"{size:5} characters: key painted {echo}, key to score {whole}; after the pause {after}: answer {answer}, reading and painting {shown}"
            )
        server.stop()


if __name__ == "__main__":
    main()
