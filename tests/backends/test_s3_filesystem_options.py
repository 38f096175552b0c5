"""What the options of storage on S3 mean together, in whatever form they come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_fsspec_storages.options import UnknownOption
from tests.backends.s3_support import PEM, Probe, config, effect, parameters, sdk, within


@pytest.mark.usefixtures("default_waits")
def test_what_is_not_set_is_not_there() -> None:
    safe = {"signature_version": "s3v4", "connect_timeout": 30.0, "read_timeout": 30.0}
    assert effect(Probe(bucket_name="b")) == {"config_kwargs": safe}


def test_text_from_the_environment_stands_for_what_it_says() -> None:
    text = {
        "AWS_S3_USE_SSL": "0",
        "AWS_QUERYSTRING_EXPIRE": "60",
        "AWS_S3_VERIFY": "False",
        "AWS_S3_EXCLUSIVE_CREATE": "no",
        "AWS_S3_OBJECT_PARAMETERS": '{"Metadata": {"a": "b"}}',
        "AWS_S3_PROXIES": '{"http": "p:1"}',
        "AWS_S3_CLIENT_CONFIG": ' {"retries": {"max_attempts": 2}}',
        "AWS_S3_TRANSFER_CONFIG": '{"multipart_chunksize": 6291456}',
        "AWS_S3_CONNECT_TIMEOUT": "2.5",
    }
    with override_settings(**text):
        storage = Probe(bucket_name="b")
        assert storage.option_faults() == []
        assert (storage.use_ssl, storage.querystring_expire, storage.exclusive_create) == (False, 60, False)
        wanted = {
            "use_ssl": False,
            "client_kwargs": {"verify": False},
            "exclusive_create": False,
            "part_size": 6291456,
            **parameters(Metadata={"a": "b"}),
            **sdk(proxies={"http": "p:1"}, retries={"max_attempts": 2}, connect_timeout=2.5),
        }
        assert within(wanted, effect(storage))


@pytest.mark.parametrize("option", ["client_config", "transfer_config", "object_parameters", "proxies"])
def test_text_that_is_no_json_object_is_refused_unseen(option: str) -> None:
    for text in ('{"password": "hunter2"', "hunter2"):
        with pytest.raises(ImproperlyConfigured, match=f"option '{option}': the value is") as refused:
            Probe(**{option: text})
        assert "hunter2" not in str(refused.value)


def test_options_of_json_mean_what_the_objects_mean() -> None:
    objects = {
        "client_config": Config(
            s3={"addressing_style": "path"}, retries={"mode": "standard"}, region_name="eu-west-1"
        ),
        "transfer_config": TransferConfig(multipart_chunksize=6 * 2**20, max_concurrency=3),
    }
    plain = {
        "client_config": {
            "s3": {"addressing_style": "path"},
            "retries": {"mode": "standard"},
            "region_name": "eu-west-1",
        },
        "transfer_config": {"multipart_chunksize": 6 * 2**20, "max_concurrency": 3},
    }
    assert effect(Probe(**objects)) == effect(Probe(**json.loads(json.dumps(plain))))
    assert within({"part_size": 6 * 2**20, "max_concurrency": 3}, effect(Probe(**objects)))


def test_verify_is_a_bool_or_a_path() -> None:
    for given, wanted in (
        (False, False),
        (True, True),
        ("no", False),
        ("on", True),
        (Path("/ca.pem"), "/ca.pem"),
    ):
        assert effect(Probe(verify=given))["client_kwargs"] == {"verify": wanted}
    with override_settings(AWS_S3_VERIFY=False):
        assert effect(Probe())["client_kwargs"] == {"verify": False}
    assert effect(type("Sub", (Probe,), {"verify": False})())["client_kwargs"] == {"verify": False}


def test_the_key_of_cloudfront_is_pem_or_a_path() -> None:
    assert Probe(cloudfront_key=PEM).cloudfront_key == PEM
    assert Probe(cloudfront_key=PEM.encode()).cloudfront_key == PEM.encode()
    assert Probe(cloudfront_key="/run/secrets/cloudfront.pem").cloudfront_key == Path(
        "/run/secrets/cloudfront.pem"
    )
    with override_settings(AWS_CLOUDFRONT_KEY="/run/secrets/cloudfront.pem"):
        assert Probe().cloudfront_key == Path("/run/secrets/cloudfront.pem")


def test_unsigned_is_anonymous_however_it_is_said() -> None:
    anonymous = effect(Probe(anonymous=True, access_key="id", secret_key="its secret"))
    assert anonymous["anon"] is True
    assert not {"key", "secret", "profile"} & anonymous.keys()
    for given in ({"signature_version": UNSIGNED}, {"client_config": Config(signature_version=UNSIGNED)}):
        storage = Probe(bucket_name="b", access_key="id", secret_key="its secret", **given)
        assert storage.option_faults() == []
        found = effect(storage)
        assert found["anon"] is True
        assert not {"key", "secret"} & found.keys()
        assert "signature_version" not in found["config_kwargs"]


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    "names", [("file_overwrite", "allow_overwrite"), ("allow_overwrite", "file_overwrite")]
)
def test_overwriting_has_two_names_that_agree(names: tuple[str, str], value: bool) -> None:
    one, other = names
    assigned = Probe(bucket_name="b", **{other: not value})
    setattr(assigned, one, value)
    storages = [
        Probe(bucket_name="b", **{one: value}),
        Probe(bucket_name="b", **{one: value, other: value}),
        type("Sub", (Probe,), {one: value})(bucket_name="b"),
        type("Sub", (Probe,), {other: not value})(bucket_name="b", **{one: value}),
        assigned,
    ]
    with override_settings(AWS_S3_FILE_OVERWRITE=not value):
        for storage in storages:
            assert (storage.file_overwrite, storage.allow_overwrite) == (value, value)
            assert storage.option_faults() == []


def test_overwriting_by_a_setting_and_by_a_property_has_two_names_too() -> None:
    with override_settings(AWS_S3_FILE_OVERWRITE=False):
        assert (Probe().file_overwrite, Probe().allow_overwrite) == (False, False)
    cls = type("Sub", (Probe,), {"file_overwrite": property(lambda storage: False)})
    assert (cls().file_overwrite, cls().allow_overwrite) == (False, False)


def test_a_property_for_one_name_may_ask_for_the_other() -> None:
    class Asks(Probe):
        @property
        def allow_overwrite(self) -> bool:  # type: ignore[override]
            return not self.file_overwrite

    assert Asks().allow_overwrite is False
    assert Asks(file_overwrite=False).allow_overwrite is True


def test_get_default_settings_may_be_extended() -> None:
    class Tenants(Probe):
        def get_default_settings(self) -> dict[str, Any]:
            settings = super().get_default_settings()
            settings.update({"tenant": "nobody", "file_overwrite": False, "default_acl": "private"})
            return settings

    assert Tenants().tenant == "nobody"  # type: ignore[attr-defined]
    assert Tenants(tenant="acme").tenant == "acme"  # type: ignore[attr-defined]
    assert Tenants().allow_overwrite is False
    assert Tenants(bucket_name="b", allow_overwrite=True).option_faults() == []
    assert Tenants(allow_overwrite=True).file_overwrite is True
    assert within(parameters(ACL="private"), effect(Tenants()))
    assert not within(parameters(ACL="private"), effect(Tenants(default_acl=None)))
    with override_settings(AWS_STORAGE_BUCKET_NAME="later"):
        assert Tenants().bucket_name == "later"
    with pytest.raises(UnknownOption, match="Did you mean 'tenant'"):
        Tenants(tenants="acme")


def test_get_default_settings_knows_every_key_of_django_storages() -> None:
    keys = """access_key addressing_style bucket_name client_config cloudfront_key cloudfront_key_id custom_domain
        default_acl endpoint_url file_name_charset file_overwrite gzip gzip_content_types location max_memory_size
        object_parameters proxies querystring_auth querystring_expire region_name secret_key security_token
        session_profile signature_version transfer_config url_protocol use_ssl use_threads verify"""
    assert set(keys.split()) <= Probe().get_default_settings().keys()


def test_options_set_before_and_after_the_constructor_count() -> None:
    class Early(Probe):
        def __init__(self, **options: Any) -> None:
            self.region_name = "eu-west-1"
            super().__init__(**options)

    storage = Early(bucket_name="b")
    assert effect(storage)["client_kwargs"] == {"region_name": "eu-west-1"}
    storage.region_name = "eu-north-1"
    assert effect(storage)["client_kwargs"] == {"region_name": "eu-north-1"}
    assert effect(Early(region_name="us-east-1"))["client_kwargs"] == {"region_name": "us-east-1"}


def test_the_options_are_never_changed_by_what_is_made_of_them() -> None:
    given = {
        "object_parameters": {"CacheControl": "max-age=1"},
        "default_acl": "private",
        "proxies": {"https": "p:1", "all": "q:2"},
        "client_config": {"s3": {"payload_signing_enabled": True}, "proxies": {"http": "r:3"}},
        "addressing_style": "path",
        "auto_create_bucket": True,
    }
    before = json.dumps(given)
    storage = Probe(**given)
    first = effect(storage)
    first["s3_additional_kwargs"]["ACL"] = first["config_kwargs"]["s3"]["x"] = first["create_bucket"]["x"] = (
        "changed"
    )
    first["config_kwargs"]["proxies"]["x"] = first["config_kwargs"]["x"] = "changed"
    assert json.dumps(given) == before
    assert "changed" not in str(effect(storage))


def test_a_dict_that_is_changed_where_it_is_counts() -> None:
    storage = Probe(object_parameters={"CacheControl": "max-age=1"})
    before = effect(storage)
    storage.object_parameters["CacheControl"] = "max-age=2"
    assert before["s3_additional_kwargs"] == {"CacheControl": "max-age=1"}
    assert effect(storage)["s3_additional_kwargs"] == {"CacheControl": "max-age=2"}


def test_the_acl_of_an_object_comes_before_the_default() -> None:
    storage = Probe(object_parameters={"ACL": "private"}, default_acl="public-read")
    assert effect(storage)["s3_additional_kwargs"] == {"ACL": "private"}


@pytest.mark.usefixtures("default_waits")
def test_a_clients_configuration_is_laid_over_the_options() -> None:
    given = {"signature_version": "s3", "read_timeout": 5, "s3": {"addressing_style": "virtual"}}
    storage = Probe(signature_version="s3v4", addressing_style="path", dualstack=True, client_config=given)
    assert config(storage) == {
        "signature_version": "s3",
        "connect_timeout": 30.0,
        "read_timeout": 5,
        "s3": {"addressing_style": "virtual", "use_dualstack_endpoint": True},
    }


def test_false_is_told_to_the_sdk_where_it_is_said() -> None:
    storage = Probe(accelerate=False, dualstack=False, fips=False)
    assert config(storage)["s3"] == {"use_accelerate_endpoint": False, "use_dualstack_endpoint": False}
    assert config(storage)["use_fips_endpoint"] is False


def test_no_timeout_is_none() -> None:
    storage = Probe(connect_timeout=None, read_timeout=None)
    assert within(sdk(connect_timeout=None, read_timeout=None), effect(storage))


def test_a_part_is_as_large_as_the_storage_says_or_else_the_transfer() -> None:
    bare = effect(Probe(transfer_config=TransferConfig()))  # older ones of boto3 hold their defaults
    assert (bare.get("part_size", 8 * 2**20), bare.get("max_concurrency", 10)) == (8 * 2**20, 10)
    given = {"multipart_chunksize": 6 * 2**20, "max_concurrency": 3}
    storage = Probe(transfer_config=given, file_buffer_size=7 * 2**20, max_concurrency=4)
    assert within({"part_size": 7 * 2**20, "max_concurrency": 4}, effect(storage))


def test_the_type_of_the_untyped_is_a_plain_attribute() -> None:
    assert Probe.default_content_type == "application/octet-stream"
    with pytest.raises(UnknownOption):
        Probe(default_content_type="text/plain")
