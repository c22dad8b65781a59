"""schemathesis against the running server, without a key and with an admin's: no 500, every answer fits the schema."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.serving import Serving


@pytest.mark.parametrize(("keyed", "examples", "phases"), [(False, 1, "examples,fuzzing"), (True, 2, "examples,coverage,fuzzing,stateful")])
def test_the_schema_holds_under_generated_requests(server: Serving, tmp_path: Path, keyed: bool, examples: int, phases: str) -> None:
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert command
    result = subprocess.run(
        [command, "run", f"{server.url}/openapi.json", "--max-examples", str(examples), "--phases", phases, "--seed", "20261124", "--workers", "1", "--generation-database", "none",
         *(["--header", f"Authorization: Bearer {server.key}"] if keyed else []),
         "--exclude-checks", "positive_data_acceptance"],  # that a note of nothing but invisible characters is blank cannot be said in JSON Schema
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
