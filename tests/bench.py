"""`make bench`: ratios, both sides measured in this one run. Nothing here fails on slowness; the printed ratio is the result."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import jieba
import psutil
from rich.console import Console
from rich.table import Table

from models.analysis import Note
from models.pipeline import Analyzer, load
from service.api import ANALYSIS, CHUNK
from tests.conftest import TODAY
from training.corpus import read_split

ROUNDS = 4
EMPTY_APP = """
import uvicorn
from fastapi import FastAPI, Request
app = FastAPI()
@app.post("/v1/analyses")
async def empty(request: Request) -> dict[str, str]:
    await request.json()
    return {}
from service.commands.serving import listen
listening = listen("127.0.0.1", 0)
print(f"http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False)).run(sockets=[listening])
"""


def interleaved(functions: dict[str, Callable[[str], object]], texts: Sequence[str]) -> dict[str, float]:
    """Best seconds a text of each function over ROUNDS rounds, the functions taking turns so that a busy machine hits them alike."""
    best = dict.fromkeys(functions, float("inf"))
    gc.disable()
    for _ in range(ROUNDS):
        for name, function in functions.items():
            began = time.perf_counter()
            for text in texts:
                function(text)
            best[name] = min(best[name], (time.perf_counter() - began) / len(texts))
    gc.enable()
    return best


def batch(analyzer: Analyzer, texts: Sequence[str]) -> float:
    """Notes a second by analyze_all and JSON, CHUNK notes at a time, as `python -m service analyze` has it: best of ROUNDS."""
    notes = [Note(text) for text in texts]
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for first in range(0, len(notes), CHUNK):
            for analysis in analyzer.analyze_all(notes[first : first + CHUNK], TODAY):
                ANALYSIS.dump_json(analysis)
        best = min(best, time.perf_counter() - began)
    return len(notes) / best


def serve(arguments: list[str]) -> tuple[subprocess.Popen[str], str]:
    """A server process and its address, taken from the line it prints."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    return process, line[line.index("http") :].strip().rstrip("/")


def http_rate(url: str, bodies: list[bytes]) -> float:
    """Requests a second over four connections."""
    with httpx.Client(base_url=url, headers={"content-type": "application/json"}, timeout=30) as client:

        def post(body: bytes) -> None:
            client.post("/v1/analyses", content=body).raise_for_status()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(post, bodies[:40]))
            began = time.perf_counter()
            list(pool.map(post, bodies))
            return len(bodies) / (time.perf_counter() - began)


def answering(pid: int) -> int:
    """MiB that a server's largest working process has resident, shared pages counted in full; the one that forked them only watches."""
    root = psutil.Process(pid)
    return int(max(process.memory_info().rss for process in root.children(recursive=True) or [root]) >> 20)


def start_up() -> dict[str, float]:
    """Seconds from process start to a loaded model, and of a bare interpreter, best of three."""
    programs = {"load the model": "from models.pipeline import load; load()", "bare python": "pass"}
    return {name: min(_timed([sys.executable, "-c", code]) for _ in range(3)) for name, code in programs.items()}


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    analyzer = load()
    jieba.initialize()
    texts = [n["text"] for split in ("dev", "test") for n in read_split(split)]
    bodies = [json.dumps({"text": t}).encode() for t in texts] * 3
    one = interleaved(
        {
            "jieba": jieba.lcut,
            "analyze": lambda t: analyzer.analyze(Note(t), TODAY),
            "read": analyzer.read,
            "with JSON": lambda t: ANALYSIS.dump_json(analyzer.analyze(Note(t), TODAY)),
        },
        texts,
    )
    table = Table("measured", "value", "ratio", title=f"{len(texts)} notes, {sum(map(len, texts)) / len(texts):.0f} characters on average")
    table.add_row("jieba.lcut(note)", f"{1e6 * one['jieba']:.0f} µs", "1")
    for name in ("read", "analyze", "with JSON"):
        table.add_row(
            f"analyze() {'' if name == 'analyze' else name}", f"{1e6 * one[name]:.0f} µs", f"{one[name] / one['jieba']:.1f} × jieba.lcut"
        )
    table.add_row("batch, one core", f"{batch(analyzer, texts):.0f} notes/s", "")
    rates: dict[str, float] = {}
    resident: dict[str, int] = {}
    for name, arguments in (
        ("POST /v1/analyses", ["-m", "service", "serve", "--port", "0"]),
        ("empty FastAPI endpoint", ["-c", EMPTY_APP]),
    ):
        process, url = serve(arguments)
        try:
            rates[name] = http_rate(url, bodies)
            resident[name] = answering(process.pid)
        finally:
            process.terminate()
            process.wait()
    for name, rate in rates.items():
        table.add_row(name, f"{rate:.0f} requests/s", f"{rates['empty FastAPI endpoint'] / rate:.1f} × the empty endpoint's time")
    table.add_row("memory of a serving process", f"{resident['POST /v1/analyses']} MiB", "")
    for name, seconds in start_up().items():
        table.add_row(f"start-up: {name}", f"{seconds:.2f} s", "")
    Console().print(table)


if __name__ == "__main__":
    main()
