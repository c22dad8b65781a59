"""How the process's allocator gives memory back."""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD = -1
"""mallopt(3), glibc."""
_LARGE = 128 * 1024
"""Bytes from which a block is the system's own (glibc's default)."""


def give_large_blocks_back() -> None:
    """Have every freed block of 128 KiB or more go back to the system, for the life of the process and of those forked from it.

    glibc raises that limit to the largest block it has seen freed. A model's loading frees blocks of many megabytes, so that what the encoder needs for a
    window would stay with the process in pieces: 60 to 150 MB more by a hundred notes. Without glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _LARGE)  # setting any limit by hand stops the raising of all
