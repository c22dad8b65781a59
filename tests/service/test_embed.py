"""/embed.js on a page of another origin in real Chromium, under a strict policy, and the CORS answers that let it in and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import ValidationError

from service.settings import Settings
from service.texts import page_words
from tests.service.browser import DESKTOP, NOTE, PHONE, accessibility_faults, answer_about, chromium, tab
from tests.service.forking import Nursery
from tests.service.serving import Serving

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN_SERVER, WRITTEN_KEY = "http://127.0.0.1:8765", "fk_KEY"


class Foreign(BaseHTTPRequestHandler):
    """Serves the demo page as a CRM of another origin would; `files` and `policy` are filled in before the first request."""

    files: dict[str, tuple[str, bytes]] = {}  # noqa: RUF012
    policy = ""

    def do_GET(self) -> None:
        kind, content = self.files.get(self.path, ("text/plain", b""))
        self.send_response(200 if content else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _foreign() -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture(scope="module")
def crm() -> Iterator[str]:
    server, origin = _foreign()
    yield origin
    server.shutdown()


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    server, origin = _foreign()
    yield origin
    server.shutdown()


@pytest.fixture(scope="module")
def fupan(crm: str, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUPAN_EMBED_ORIGINS", f"https://crm.example.com, {crm}")
        running = Serving(tmp_path_factory.mktemp("embed"), nursery=nursery)
    page = (DOCS / "embed-demo.html").read_text("utf-8").replace(WRITTEN_SERVER, running.url).replace(WRITTEN_KEY, key_of(running))
    Foreign.files = {"/": ("text/html", page.encode()), "/embed-demo.css": ("text/css", (DOCS / "embed-demo.css").read_bytes())}
    Foreign.policy = (
        f"default-src 'none'; script-src {running.url}; connect-src {running.url}; style-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    yield running
    running.stop()


def key_of(running: Serving) -> str:
    """A key this server takes: the one of its first start."""
    return running.key


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(browser: Browser, fupan: Serving, crm: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with tab(browser, request.param, fupan.url, crm, axe=True) as opened:
        opened.goto(crm + "/")
        yield opened


def test_a_foreign_page_gets_feedback_under_a_strict_policy(page: Page) -> None:
    page.evaluate("document.addEventListener('fupan:analysis', e => { window.heard = e.detail })")
    field = page.get_by_label("拜访内容")
    with page.expect_response(answer_about(NOTE)) as answered:
        field.press_sequentially(NOTE)
    score = answered.value.json()["quality"]["score"]
    feedback = page.locator("fupan-feedback")
    expect(feedback).to_contain_text("复盘问题")
    expect(feedback.locator(".score b")).to_have_text(str(score))
    assert page.evaluate("window.heard.quality.score") == score
    expect(feedback.locator(".gain")).to_have_text("+12")
    assert feedback.locator(".found").first.evaluate("e => getComputedStyle(e).borderLeftWidth") == "4px"  # its own sheet applies
    feedback.locator(".found", has_text="王总").first.click()
    assert (
        page.evaluate("(() => { const n = document.activeElement; return n.value.slice(n.selectionStart, n.selectionEnd) })()").find("王总")
        >= 0
    )
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert accessibility_faults(page) == []


def test_an_opening_is_typed_into_the_foreign_text_area(page: Page) -> None:
    field = page.get_by_label("拜访内容")
    page.evaluate("document.getElementById('visit').addEventListener('input', () => { window.told = (window.told || 0) + 1 })")
    field.fill(NOTE)
    told = page.evaluate("window.told")
    page.locator("fupan-feedback .open").first.click()
    assert field.input_value().removeprefix(NOTE + "\n") in page_words()["opening"].values()
    assert page.evaluate("window.told") > told
    field.fill("")
    expect(page.locator("fupan-feedback")).to_contain_text("只分析，不保存")


def test_a_finding_marked_as_wrong_is_told_to_the_page_that_owns_the_note(page: Page) -> None:
    page.evaluate("window.told = []; document.addEventListener('fupan-dispute', e => window.told.push(e.detail))")
    page.get_by_label("拜访内容").fill(NOTE)
    item = page.locator("fupan-feedback li", has_text="价格异议").first
    item.get_by_role("button", name="这不是异议").click()
    expect(item).to_have_class("wrong")
    told = page.evaluate("window.told")[0]
    assert (told["type"], told["says"], told["wrong"]) == ("objection", "这不是异议", True)
    assert "".join(list(NOTE)[told["start"] : told["end"]]) == told["quote"]
    page.get_by_label("拜访内容").press_sequentially("。再去一次")
    expect(page.locator("fupan-feedback li.wrong")).to_have_count(1)  # the mark stays with the words
    assert accessibility_faults(page) == []
    item.get_by_role("button", name="撤销").click()
    expect(page.locator("fupan-feedback li.wrong")).to_have_count(0)
    assert [t["wrong"] for t in page.evaluate("window.told")] == [True, False]


def test_a_page_of_no_listed_origin_gets_nothing(browser: Browser, fupan: Serving, stranger: str) -> None:
    context = browser.new_context(locale="zh-CN")
    opened = context.new_page()
    opened.goto(stranger + "/")
    opened.get_by_label("拜访内容").fill(NOTE)
    expect(opened.locator("fupan-feedback")).to_contain_text("连不上分析服务")
    expect(opened.locator("fupan-feedback .score")).to_have_count(0)
    context.close()


def test_the_script_is_one_small_file_without_eval_or_foreign_address(fupan: Serving) -> None:
    answer = httpx.get(fupan.url + "/embed.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert len(answer.content) < 20_000
    for unwanted in ("eval(", "Function(", "innerHTML", "http://", "https://", "import(", "localStorage", "cookie"):
        assert unwanted not in answer.text, unwanted


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def cors(answer: httpx.Response) -> dict[str, str]:
    return {k.removeprefix("access-control-"): v for k, v in answer.headers.items() if k.startswith("access-control-")}


def test_preflight_of_a_listed_origin(fupan: Serving, crm: str) -> None:
    for origin in (crm, "https://crm.example.com"):
        answer = httpx.options(fupan.url + "/v1/analyses", headers={**PREFLIGHT, "Origin": origin})
        assert answer.status_code == 204
        assert cors(answer) == {
            "allow-origin": origin,
            "allow-methods": "POST",
            "allow-headers": "authorization, content-type",
            "max-age": "600",
            "expose-headers": "Retry-After, X-Request-ID",
        }
        assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://crm.example.com", "https://crm.example.com.evil.example", ""])
def test_other_origins_get_no_cors_header(fupan: Serving, origin: str) -> None:
    headers = {"Origin": origin, "Authorization": f"Bearer {key_of(fupan)}"}
    assert cors(httpx.options(fupan.url + "/v1/analyses", headers={**PREFLIGHT, "Origin": origin})) == {}
    answer = httpx.post(fupan.url + "/v1/analyses", json={"text": NOTE, "draft": True}, headers=headers)
    assert cors(answer) == {}
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("path", "body", "with_key", "status"),
    [
        ("/v1/analyses", {"text": NOTE, "draft": True}, True, 200),
        ("/v1/analyses", {"text": NOTE, "draft": True}, False, 401),
        ("/v1/analyses", {"text": NOTE, "draft": False}, True, 403),
        ("/v1/analyses", {"text": NOTE}, True, 403),
        ("/v1/analyses", {"text": " ", "draft": True}, True, 422),
    ],
)
def test_a_listed_origin_may_analyze_drafts_with_a_key_and_read_why_not(
    fupan: Serving, crm: str, path: str, body: dict[str, object], with_key: bool, status: int
) -> None:
    headers = {"Origin": crm, **({"Authorization": f"Bearer {key_of(fupan)}"} if with_key else {})}
    answer = httpx.post(fupan.url + path, json=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == crm
    assert "access-control-allow-credentials" not in answer.headers
    assert NOTE not in answer.text


@pytest.mark.parametrize("path", ["/v1/analyses/batch", "/v1/model", "/healthz", "/", "/static/note.js", "/openapi.json"])
def test_nothing_else_is_open_to_other_origins(fupan: Serving, crm: str, path: str) -> None:
    assert cors(httpx.get(fupan.url + path, headers={"Origin": crm})) == {}
    assert cors(httpx.options(fupan.url + path, headers={"Origin": crm, **PREFLIGHT})) == {}


@pytest.mark.parametrize(
    "value", ["*", "crm.example.com", "https://crm.example.com/", "https://CRM.example.com", "ftp://x", "https://a b", "null"]
)
def test_what_is_no_origin_stops_the_start(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FUPAN_EMBED_ORIGINS", value)
    with pytest.raises(ValidationError, match="small letters"):
        Settings()


def test_origins_are_parted_by_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUPAN_EMBED_ORIGINS", "https://a.example, http://127.0.0.1:9000 http://[::1]:9000")
    assert Settings().embed_origins == ("https://a.example", "http://127.0.0.1:9000", "http://[::1]:9000")
    monkeypatch.delenv("FUPAN_EMBED_ORIGINS")
    assert Settings().embed_origins == ()
