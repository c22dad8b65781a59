"""The lines a receiver copies from docs/deliveries.md do what they say, in each language at hand."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.outbound.signing import generate_secret, signed_headers

DOCS = (Path(__file__).resolve().parents[3] / "docs/deliveries.md").read_text("utf-8")
BODY = '{"客户":"王总"}'.encode()
SECRET = generate_secret()
CASES = {"good": (SECRET, 0, BODY, True), "stranger": (generate_secret(), 0, BODY, False), "old": (SECRET, 600, BODY, False), "changed": (SECRET, 0, BODY + b" ", False)}  # fmt: skip


def lines(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    assert found
    return found[1]


def headers(age: int) -> dict[str, str]:
    return signed_headers("dl_1", [generate_secret(), SECRET], BODY, datetime.now(UTC) - timedelta(seconds=age))


@pytest.mark.parametrize(("secret", "age", "body", "expected"), CASES.values(), ids=CASES)
def test_python(secret: str, age: int, body: bytes, expected: bool) -> None:
    names: dict[str, object] = {}
    exec(lines("python"), names)
    verify = names["verify"]
    assert callable(verify)
    assert verify(secret, headers(age), body) is expected


def arguments(secret: str, age: int, body: bytes) -> list[str]:
    sent = headers(age)
    return [secret, sent["webhook-id"], sent["webhook-timestamp"], sent["webhook-signature"], base64.b64encode(body).decode()]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node here")
@pytest.mark.parametrize(("secret", "age", "body", "expected"), CASES.values(), ids=CASES)
def test_node(tmp_path: Path, secret: str, age: int, body: bytes, expected: bool) -> None:
    call = 'const a = process.argv.slice(2);\nconsole.log(verify(a[0], {"webhook-id": a[1], "webhook-timestamp": a[2], "webhook-signature": a[3]}, Buffer.from(a[4], "base64")));\n'  # fmt: skip
    (tmp_path / "verify.js").write_text(lines("javascript") + call)
    run = subprocess.run(["node", "verify.js", *arguments(secret, age, body)], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(expected).lower()


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler here")
def test_java(tmp_path: Path) -> None:
    main = """
    public static void main(String[] all) throws Exception {
        for (int i = 0; i < all.length; i += 5)
            System.out.println(verify(all[i], java.util.Map.of("webhook-id", all[i + 1], "webhook-timestamp", all[i + 2], "webhook-signature", all[i + 3]),
                java.util.Base64.getDecoder().decode(all[i + 4])));
    }
"""
    (tmp_path / "Verify.java").write_text("class Verify {\n" + lines("java") + main + "}\n")
    given = [word for secret, age, body, _ in CASES.values() for word in arguments(secret, age, body)]
    run = subprocess.run(["java", "Verify.java", *given], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(expected).lower() for *_, expected in CASES.values()]
