"""Signed URLs that stay the same for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_fsspec_storages.signing.sigv2 import sign_query as sign_v2
from django_fsspec_storages.signing.sigv4 import LONGEST, Credentials, sign_query
from django_fsspec_storages.signing.windows import expiry, signing_time

NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
GIVEN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
validities = st.integers(1, LONGEST)
windows = st.integers(1, 2 * LONGEST)


@given(now=moments, expire=validities, window=windows)
def test_what_is_signed_holds_for_as_long_as_was_asked_and_at_most_a_window_more(
    now: datetime, expire: int, window: int
) -> None:
    begin, validity = signing_time(now, expire, window)
    left = (begin + timedelta(seconds=validity) - now).total_seconds()
    assert timedelta(0) <= now - begin < timedelta(seconds=window)
    assert 1 <= validity <= LONGEST
    assert left <= expire + window
    assert left > min(expire, LONGEST - min(window, LONGEST // 2))


@given(now=moments, expire=validities, window=windows)
def test_an_expiry_holds_for_as_long_as_was_asked_and_at_most_a_window_more(
    now: datetime, expire: int, window: int
) -> None:
    left = (expiry(now, expire, window) - now).total_seconds()
    assert expire < left <= expire + window


@given(
    now=moments,
    expire=validities,
    window=st.integers(1, LONGEST // 2),
    share=st.floats(0, 1, exclude_max=True),
)
def test_all_urls_of_a_window_are_the_same_and_the_next_one_is_another(
    now: datetime, expire: int, window: int, share: float
) -> None:
    begin = signing_time(now, expire, window)[0]
    later = begin + timedelta(seconds=window) * share
    after = begin + timedelta(seconds=window)
    if later < after:  # a share of nearly one is rounded up
        assert signing_time(later, expire, window) == signing_time(now, expire, window)
        assert expiry(later, expire, window) == expiry(now, expire, window)
    assert signing_time(after, expire, window) == (after, signing_time(now, expire, window)[1])
    assert expiry(after, expire, window) == expiry(now, expire, window) + timedelta(seconds=window)


@given(now=moments, expire=validities)
def test_without_a_window_nothing_is_rounded(now: datetime, expire: int) -> None:
    assert signing_time(now, expire, 0) == (now, expire)
    assert expiry(now, expire, 0) == now + timedelta(seconds=expire)


def test_a_page_reloaded_has_the_same_urls() -> None:
    times = [NOW, NOW + timedelta(minutes=4), NOW + timedelta(minutes=5)]
    v4, v2 = [], []
    for time in times:
        now, expires = signing_time(time, 3600, 300)
        v4.append(
            sign_query("GET", "https://b.example.org", "/a", {}, GIVEN, region="r", now=now, expires=expires)
        )
        v2.append(
            sign_v2(
                "GET",
                "https://b.example.org",
                "/a",
                {},
                GIVEN,
                resource="/b/a",
                expires=expiry(time, 3600, 300),
            )
        )
    assert v4[0] == v4[1] != v4[2]
    assert v2[0] == v2[1] != v2[2]
    assert "X-Amz-Date=20261126T130500Z&X-Amz-Expires=3900" in v4[0]


def test_windows_are_the_same_in_every_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert signing_time(elsewhere, 60, 7 * 3600) == signing_time(NOW, 60, 7 * 3600)


def test_seven_days_are_not_exceeded() -> None:
    assert signing_time(NOW, LONGEST, 3600) == (NOW.replace(minute=0, second=0), LONGEST)


@pytest.mark.parametrize("expire", [0, LONGEST + 1])
@pytest.mark.parametrize("window", [0, 60])
def test_a_validity_that_no_server_accepts_is_refused(expire: int, window: int) -> None:
    with pytest.raises(ValueError, match="1 to 604800 seconds"):
        signing_time(NOW, expire, window)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        expiry(NOW.replace(tzinfo=None), 60, 60)
