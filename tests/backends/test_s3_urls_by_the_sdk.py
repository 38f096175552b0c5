"""Where the environment or a file may say otherwise, the SDK says where URLs lead: once, and then they are as botocore's."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aiobotocore.session import AioSession
from botocore.config import Config
from django.test import override_settings

from django_fsspec_storages.backends.s3 import S3StaticStorage, S3Storage
from django_fsspec_storages.filesystems import registry
from django_fsspec_storages.filesystems.s3_client import S3Client
from tests.backends.s3_storages import KEYS, bare, query
from tests.backends.test_s3_presigned_urls import signed_at
from tests.support.presigned import stopped_clock

Write = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def as_in_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no client of another test's environment."""
    monkeypatch.setattr(registry, "_cache", OrderedDict())


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write files of ``~/.aws``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()

    def write(name: str, content: str) -> None:
        (tmp_path / ".aws" / name).write_text(content)

    return write


def botocores(ours: str, key: str, *, profile: str | None = None, keys: bool = True, **options: Any) -> str:
    """Return what botocore makes of this environment, at the second of our URL."""
    session = botocore.session.Session(profile=profile)
    given = (
        {"aws_access_key_id": KEYS["access_key"], "aws_secret_access_key": KEYS["secret_key"]} if keys else {}
    )
    client = session.create_client("s3", **given, config=Config(signature_version="s3v4", **options))
    with stopped_clock(signed_at(ours, 3600)):
        url: str = client.generate_presigned_url("get_object", {"Bucket": "media", "Key": key}, 3600)
    return url


VARIABLES = [
    {"AWS_ENDPOINT_URL": "https://all.example"},
    {"AWS_ENDPOINT_URL_S3": "https://s3.example:9000"},
    {"AWS_ENDPOINT_URL_S3": "https://s3.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_DEFAULT_REGION": "eu-west-1"},
    {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_DEFAULT_REGION": "us-east-1"},
    {"AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "regional", "AWS_DEFAULT_REGION": "us-east-1"},
    {"AWS_DEFAULTS_MODE": "standard", "AWS_DEFAULT_REGION": "us-east-1"},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_variables_of_the_sdk(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    storage = S3Storage(**KEYS, bucket_name="media")
    assert not storage.signs_offline
    for key in ("a", "b/ü c.txt"):
        url = storage.url(key)
        assert url == botocores(url, key)


def test_the_region_of_the_environment_needs_no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    storage = S3Storage(**KEYS, bucket_name="media", addressing_style="virtual")
    assert storage.signs_offline
    url = storage.url("a")
    assert url == botocores(url, "a", s3={"addressing_style": "virtual"})
    assert bare(url) == "https://media.s3.eu-central-1.amazonaws.com/a"


SECTIONS = [
    "region = eu-west-1\n",
    "region = eu-central-1\ns3 =\n  addressing_style = virtual\n",
    "region = eu-west-1\ns3 =\n  use_accelerate_endpoint = true\n",
    "endpoint_url = https://minio.example\n",
    "output = json\n",
]
SERVICES = "services = here\n[services here]\ns3 =\n  endpoint_url = https://minio.example\n"


@pytest.mark.parametrize(
    ("file", "section"), [*product(["config", "credentials"], SECTIONS), ("config", SERVICES)]
)
def test_files_of_the_sdk(file: str, section: str, write: Write) -> None:
    write(file, f"[default]\n{section}")
    storage = S3Storage(**KEYS, bucket_name="media")
    assert not storage.signs_offline
    url = storage.url("a/b.txt")
    assert url == botocores(url, "a/b.txt")


def test_a_file_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text("[default]\nregion = eu-central-1\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "mine"))
    assert (
        bare(S3Storage(**KEYS, bucket_name="media").url("a"))
        == "https://media.s3.eu-central-1.amazonaws.com/a"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert S3Storage(**KEYS, bucket_name="media").signs_offline, "there is nothing in it"


PROFILE = "[profile work]\nregion = eu-west-1\n[default]\nregion = us-west-2\n"
ITS_KEYS = (
    "[work]\naws_access_key_id = AKIDOFWORK\naws_secret_access_key = of/work\naws_session_token = t+/=\n"
)


@pytest.mark.parametrize("given", ["option", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_profile(given: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("config", PROFILE)
    write("credentials", ITS_KEYS)
    if given != "option":
        monkeypatch.setenv(given, "work")
    storage = S3Storage(bucket_name="media", **({"session_profile": "work"} if given == "option" else {}))
    assert not storage.signs_offline
    url = storage.url("a")
    assert url == botocores(url, "a", profile="work", keys=False)
    assert query(url)["X-Amz-Credential"].startswith("AKIDOFWORK/")
    assert query(url)["X-Amz-Security-Token"] == "t+/="


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what the SDK is asked for, which it answers itself."""
    asked: list[str] = []
    presigned = S3Client.presigned

    def noted(self: S3Client, operation: str, bucket: str, key: str, *rest: Any, **others: Any) -> str:
        asked.append(key)
        return presigned(self, operation, bucket, key, *rest, **others)

    monkeypatch.setattr(S3Client, "presigned", noted)
    return asked


def test_the_sdk_is_asked_once(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    storage = S3Storage(**KEYS, bucket_name="media")
    for number in range(20):
        storage.url(f"{number}")
        storage.url(f"{number}", expire=5, http_method="PUT")
    assert len(asked) == 1
    storage.bucket_name = "other"
    assert bare(storage.url("a")) == "https://all.example/other/a"
    assert len(asked) == 2


def test_all_that_a_url_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    storage = S3Storage(
        **KEYS, bucket_name="media", object_parameters={"RequestPayer": "requester"}, url_window=3600
    )
    url = storage.url("a", {"ResponseContentType": "text/plain"}, download_as="b.txt")
    assert query(url)["x-amz-request-payer"] == "requester", "in the query, where browsers have it"
    assert query(url)["response-content-disposition"] == 'attachment; filename="b.txt"'
    assert query(url)["X-Amz-SignedHeaders"] == "host"
    assert query(url)["X-Amz-Date"].endswith("0000Z")
    assert query(url)["X-Amz-Expires"] == "7200"
    with pytest.raises(ValueError, match="604800"):
        storage.url("a", expire=604801)
    storage.signature_version = "s3"
    assert query(storage.url("a"))["AWSAccessKeyId"] == KEYS["access_key"]


def test_what_only_the_sdk_can_spell_is_bounded_too() -> None:
    storage = S3Storage(**KEYS, bucket_name="media")
    with pytest.raises(ValueError, match="604801"):
        storage.url("a", {"ResponseExpires": "2030-01-02T03:04:05Z"}, expire=604801)


def test_an_environment_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = S3Storage(**KEYS, bucket_name="media", addressing_style="virtual")
    assert bare(storage.url("a")) == "https://media.s3.amazonaws.com/a"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with override_settings(UNRELATED=2):
        assert bare(storage.url("a")) == "https://media.s3.eu-central-1.amazonaws.com/a"


def test_a_session_of_a_projects_own() -> None:
    session = AioSession()
    session.set_config_variable("region", "eu-central-1")
    storage = S3Storage(**KEYS, bucket_name="media", storage_options={"session": session})
    assert not storage.signs_offline
    assert "/eu-central-1/" in query(storage.url("a"))["X-Amz-Credential"]


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_unsigned(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    storage = S3StaticStorage(**KEYS, bucket_name="media", signature_version=version)
    assert storage.url("a b.css") == "https://all.example/media/a%20b.css"
    assert storage.url("a.css", {"VersionId": "7"}) == "https://all.example/media/a.css?versionId=7"
    nobody = S3Storage(bucket_name="media", anonymous=True, signature_version=version)
    assert nobody.url("a.css", {"VersionId": "7"}) == "https://all.example/media/a.css?versionId=7"


@pytest.mark.parametrize("section", SECTIONS)
def test_unsigned_urls_need_no_credentials(
    section: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    write("config", f"[default]\n{section}")
    known, storage = S3Storage(**KEYS, bucket_name="media"), S3StaticStorage(bucket_name="media")
    nobody = S3Storage(bucket_name="media", anonymous=True)
    assert storage.url("a b.css") == nobody.url("a b.css") == bare(known.url("a b.css"))
    said = {"IfModifiedSince": "Thu, 01 Jan 2026 00:00:00 GMT"}  # which only the SDK can spell
    assert storage.url("a.css", said) == nobody.url("a.css", said) == bare(known.url("a.css"))
    storage.querystring_auth = True
    with pytest.raises(PermissionError, match="set access_key and secret_key"):
        storage.url("a.css")


def test_signed_and_unsigned_urls_in_turn(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example")
    storage = S3Storage(**KEYS, bucket_name="media")
    for _ in range(3):
        storage.querystring_auth = True
        assert "X-Amz-Signature" in query(storage.url("a"))
        storage.querystring_auth = False
        assert storage.url("a") == "https://all.example/media/a"
    assert len(asked) == 2


@pytest.mark.parametrize("separator", [":", "/"])
def test_a_multi_region_access_point_wants_a_signature_that_only_the_sdk_knows(separator: str) -> None:
    everywhere = f"arn:aws:s3::123456789012:accesspoint{separator}mfzwi23gnjvgw.mrap"
    storage = S3Storage(**KEYS, bucket_name=everywhere)
    unset = S3Storage(**KEYS, bucket_name=everywhere, signature_version=None)
    assert storage.signature_version == "s3v4a"
    assert not storage.signs_offline
    for call in (storage.url, storage.exists, unset.url):
        with pytest.raises(OSError, match=r"wants s3v4a, which comes with pip install 'botocore\[crt\]'"):
            call("a")
    assert S3Storage(bucket_name=everywhere.replace("s3::", "s3:eu-west-1:")).signature_version == "s3v4"
