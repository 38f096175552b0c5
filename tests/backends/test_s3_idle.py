"""What a project says of S3 in vain is warned of by a check, with what to set in its place."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from django.core.checks import CheckMessage

from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_storages import KEYS


def said_of(cls: type[S3Storage] = S3Storage, **options: Any) -> list[CheckMessage]:
    storage = cls(**KEYS, bucket_name="media", region_name="eu-central-1", **options)
    return [message for message in storage.check("media") if message.id == "fsspec_storages.W015"]


CONFIGS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "what counts": ({"multipart_chunksize": 8 * 2**20, "max_concurrency": 4}, set()),
    "what is so anyway": ({"use_threads": True, "multipart_threshold": 8 * 2**20}, set()),
    "a limit": ({"max_bandwidth": 5000, "max_concurrency": 4}, {"max_bandwidth"}),
    "two": ({"use_threads": False, "multipart_threshold": 2**20}, {"use_threads", "multipart_threshold"}),
}


@pytest.mark.parametrize("make", [dict, TransferConfig])
@pytest.mark.parametrize("case", CONFIGS)
def test_a_part_of_a_transfer_config_that_has_no_effect(make: Any, case: str) -> None:
    config, idle = CONFIGS[case]
    found = said_of(transfer_config=make(**config))
    assert len(found) == bool(idle)
    for message in found:
        assert "STORAGES['media']: option 'transfer_config', from the option 'transfer_config'" in message.msg
        assert {name for name in config if f"{name}: " in message.msg} == idle
        assert "multipart_chunksize and max_concurrency" in str(message.hint)


class OwnSession(S3Storage):
    def _create_session(self) -> Any:
        raise AssertionError


class OwnConnection(S3Storage):
    @property
    def connection(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    ("cls", "name"), [(OwnSession, "_create_session"), (OwnConnection, "connection"), (S3Storage, None)]
)
def test_a_session_that_nobody_makes(cls: type[S3Storage], name: str | None) -> None:
    found = said_of(cls)
    assert [f"{cls.__name__}.{name} is never called" in message.msg for message in found] == [True] * bool(
        name
    )
    assert all("session_profile" in str(message.hint) for message in found)


class Former(S3Storage):
    encryption = True
    reduced_redundancy = False
    headers = {"Cache-Control": "max-age=60"}
    secure_urls = False
    host = "s3.eu-central-1.amazonaws.com"
    port = ""
    preload_metadata = True  # which is an option, of no effect

    def proxy(self) -> None:
        """Do something else."""


def test_attributes_of_former_versions_are_named_with_the_option_of_today() -> None:
    hints = {
        message.msg.partition("Former.")[2].partition(",")[0]: str(message.hint)
        for message in said_of(Former)
    }
    assert hints.keys() == {"encryption", "headers", "secure_urls", "host"}
    assert "Set object_parameters in its place" in hints["encryption"]
    assert "Set object_parameters in its place" in hints["headers"]
    assert "Set url_protocol in its place" in hints["secure_urls"]
    assert "Set region_name or endpoint_url in its place" in hints["host"]
