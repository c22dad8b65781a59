"""Memory of a model that is no longer used."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def give_back() -> None:
    """Let what nobody refers to any more go now, and hand its pages back to the system: the C library would keep them (measured: 60 to 100 MB
    after a model). Where the C library has no such function nothing more is done."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
