"""How much memory something takes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

__all__ = ["peak"]


def peak(function: Callable[[], object]) -> int:
    """Call something; return how many bytes Python had in use at most, beyond what it had before."""
    gc.collect()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
