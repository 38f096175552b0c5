"""Forms that upload: byte for byte boto3's presigned ones, and the conditions that keep an upload to what was allowed."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_fsspec_storages.signing.post import post_policy, sign_post
from django_fsspec_storages.signing.s3_endpoints import resolve
from django_fsspec_storages.signing.sigv4 import LONGEST, Credentials
from django_fsspec_storages.signing.tickets import UploadTicket
from tests.support.presigned import presigned_post

NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
GIVEN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    bucket=st.sampled_from(["bucket", "my.bucket", "UPPER"]),
    options=st.fixed_dictionaries(
        {
            "region": st.sampled_from([None, "us-east-1", "eu-central-1", "cn-north-1"]),
            "endpoint_url": st.sampled_from([None, "http://minio:9000", "https://example.org/base"]),
            "addressing_style": st.sampled_from(["auto", "virtual", "path"]),
        }
    ),
    key=text.filter(lambda key: "${filename}" not in key),
    policy=st.fixed_dictionaries(
        {
            "content_type": st.sampled_from([None, "image/png", "image/*", "*"]),
            "min_size": st.integers(0, 10),
            "max_size": st.none() | st.integers(10, 10**9),
            "metadata": st.none() | st.dictionaries(st.text("ab-", min_size=1), text),
            "fixed": st.none()
            | st.dictionaries(st.sampled_from(["acl", "Cache-Control", "success_action_status"]), text),
        }
    ),
    token=st.none() | st.just("") | text,
    now=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    expires=st.integers(1, LONGEST),
)
def test_it_is_what_botocore_presigns(
    bucket: str,
    options: dict[str, Any],
    key: str,
    policy: dict[str, Any],
    token: str | None,
    now: datetime,
    expires: int,
) -> None:
    now = now.replace(tzinfo=UTC)
    credentials = Credentials(GIVEN.key, GIVEN.secret, token)
    fields, conditions = post_policy(**policy)
    theirs = presigned_post(
        bucket, key, credentials, now=now, expires=expires, fields=fields, conditions=conditions, **options
    )
    endpoint = resolve(bucket, **options)
    assert endpoint is not None
    ours = sign_post(
        bucket, key, fields, conditions, credentials, region=endpoint.region, now=now, expires=expires
    )
    assert theirs == {"url": endpoint.address + (endpoint.prefix or "/"), "fields": ours}
    assert list(theirs["fields"]) == list(ours)


def said(**changes: Any) -> dict[str, Any]:
    """Return the policy that a form shows to S3."""
    values: dict[str, Any] = {"region": "us-east-1", "now": NOW, "expires": 60, **changes}
    found: dict[str, Any] = json.loads(base64.b64decode(form(**values)["policy"]))
    return found


def form(bucket: str = "b", key: str = "a", **changes: Any) -> dict[str, str]:
    values: dict[str, Any] = {"region": "us-east-1", "now": NOW, "expires": 60, **changes}
    return sign_post(bucket, key, *post_policy(), GIVEN, **values)


def test_the_policy_ends_and_allows_one_bucket_and_one_key() -> None:
    policy = said()
    assert policy["expiration"] == "2026-11-26T13:06:07Z"
    assert policy["conditions"][:2] == [{"bucket": "b"}, {"key": "a"}]


def test_a_time_means_the_same_in_every_zone() -> None:
    assert form(now=NOW.astimezone(timezone(timedelta(hours=9)))) == form()


@pytest.mark.parametrize(
    ("asked", "fields", "conditions"),
    [
        ({}, {}, []),
        ({"content_type": "image/png"}, {"Content-Type": "image/png"}, [{"Content-Type": "image/png"}]),
        ({"content_type": "image/*"}, {}, [["starts-with", "$Content-Type", "image/"]]),
        ({"content_type": "*"}, {}, [["starts-with", "$Content-Type", ""]]),
        ({"max_size": 9}, {}, [["content-length-range", 0, 9]]),
        ({"max_size": 0}, {}, [["content-length-range", 0, 0]]),
        ({"min_size": 1}, {}, [["content-length-range", 1, 5 * 1024**3]]),
        ({"metadata": {"by": "me"}}, {"x-amz-meta-by": "me"}, [{"x-amz-meta-by": "me"}]),
        ({"fixed": {"acl": "private"}}, {"acl": "private"}, [{"acl": "private"}]),
    ],
    ids=str,
)
def test_every_field_has_its_condition(
    asked: dict[str, Any], fields: dict[str, str], conditions: list[Any]
) -> None:
    assert post_policy(**asked) == (fields, conditions)


@pytest.mark.parametrize("sizes", [(-1, None), (2, 1), (5 * 1024**3 + 1, None)])
def test_a_range_that_holds_no_size_is_refused(sizes: tuple[int, int | None]) -> None:
    with pytest.raises(ValueError, match="cannot be from"):
        post_policy(min_size=sizes[0], max_size=sizes[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bucket": "arn:aws:s3:us-west-2:123456789012:accesspoint:ap"}, "access point"),
        ({"key": "a/${filename}"}, "filename"),
        ({"key": "${filename}.txt"}, "filename"),
        ({"expires": 0}, "1 to 604800 seconds"),
        ({"expires": LONGEST + 1}, "1 to 604800 seconds"),
        ({"now": NOW.replace(tzinfo=None)}, "time zone"),
    ],
    ids=str,
)
def test_what_s3_would_not_accept_or_not_keep_to_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        form(**changes)


def test_a_ticket_shows_neither_signature_nor_policy() -> None:
    fields = form()
    ticket = UploadTicket("a", "https://b.example.org/", "POST", {"x-secret": "s3cr3t"}, fields, NOW)
    put = replace(ticket, method="PUT", url="https://b.example.org/a?X-Amz-Signature=s3cr3t", fields={})
    for shown in (repr(ticket), str(put), f"{[ticket, put]}"):
        assert "s3cr3t" not in shown
        assert fields["x-amz-signature"] not in shown
        assert fields["policy"] not in shown
        assert "name='a'" in shown
    assert repr(put).count("https://b.example.org/a'") == 1


def test_a_ticket_can_be_sent_and_not_changed() -> None:
    ticket = UploadTicket("a", "https://b.example.org/", "POST", {}, form(), NOW)
    assert json.loads(json.dumps(asdict(ticket), default=str))["fields"] == form()
    with pytest.raises(AttributeError):
        ticket.name = "b"  # type: ignore[misc]
