"""Signed URLs that stay the same for a while, so that a browser can keep what it fetched by them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor

from django_fsspec_storages.signing.sigv4 import LONGEST, check_validity

__all__ = ["expiry", "signing_time"]


def signing_time(now: datetime, expire: int, window: int) -> tuple[datetime, int]:
    """Return when a URL is to be signed, and for how many seconds: the same for every ``now`` in a window.

    Its user has from ``expire`` to ``expire + window`` seconds, but never more than :data:`LONGEST` after the signing.
    Where that leaves less than ``expire``, it is still :data:`LONGEST` less a window.

    :param now: aware.
    :param expire: for how many seconds a URL has to be valid.
    :param window: for how many seconds it stays the same; 0 for not at all, at most half of :data:`LONGEST`.
    :raises ValueError: if ``expire`` is not between 1 and :data:`LONGEST`, or ``now`` is naive.
    """
    check_validity(expire)
    if not window:
        return now, expire
    window = min(window, LONGEST // 2)
    return _begin(now, window), min(expire + window, LONGEST)


def expiry(now: datetime, expire: int, window: int) -> datetime:
    """Return when a URL is to expire whose signature says the time itself, as SigV2's and CloudFront's do.

    Parameters as :func:`signing_time`, without its limits.
    """
    if not window:
        return now + timedelta(seconds=expire)
    return _begin(now, window) + timedelta(seconds=expire + window)


def _begin(now: datetime, window: int) -> datetime:
    """Return when the window began; windows are counted from 1970, so that every process has the same ones."""
    if now.tzinfo is None:
        raise ValueError("The time of a signature must say its time zone.")
    return datetime.fromtimestamp(floor(now.timestamp()) // window * window, UTC)
