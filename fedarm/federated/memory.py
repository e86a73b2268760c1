"""Memory that one client frees serves the next one."""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# The largest that glibc takes; larger blocks still come from the system each time.
_LARGEST_BLOCK = 32 << 20
_LARGEST_INT = (1 << 31) - 1


def keep_freed_memory() -> None:
    """Let the process keep what it frees, as far as its C library can be told.

    Every client's answer is as large as the model and lives until it is added up. Given back to the
    system, its pages come again one by one, zeroed, which takes longer than the sum.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)
