"""Freed memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

HOLES = """
import sys
from service.heap import give_large_blocks_back
if "mended" in sys.argv:
    give_large_blocks_back()
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) >> 10
bytearray(16 << 20)  # freed at once: blocks up to this size are the heap's own from now on
before = resident()
kept, large = [], []
for _ in range(100):
    large.append(bytearray(b"x" * (1 << 20)))
    kept.append(bytearray(b"y" * 100_000))
del large
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_large_blocks_between_small_ones_go_back() -> None:
    held = {
        how: int(subprocess.run([sys.executable, "-c", HOLES, how], check=True, capture_output=True, text=True).stdout)
        for how in ("plain", "mended")
    }
    assert held["mended"] < 30  # of 110 MiB, of which 10 are kept
    assert held["plain"] > held["mended"] + 40  # what it is for
