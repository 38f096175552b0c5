"""From the options of a storage on S3 to those that its filesystem is constructed with. No SDK."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django.views.decorators.debug import sensitive_variables

from django_fsspec_storages.backends._s3_credentials import credentials_of
from django_fsspec_storages.backends._s3_kinds import ObjectParameters
from django_fsspec_storages.backends._s3_proxies import endpoint_hosts, proxies_by_scheme
from django_fsspec_storages.signing.s3_endpoints import signature_for

if TYPE_CHECKING:
    from django_fsspec_storages.backends._s3_options import S3Options
    from django_fsspec_storages.backends._s3_server import S3Server

__all__ = [
    "computes_parameters",
    "object_parameters_of",
    "request_parameters",
    "s3_filesystem_options",
]


@sensitive_variables()
def s3_filesystem_options(storage: S3Options) -> dict[str, Any]:
    """Return the constructor options of the filesystem: those that are set, in dicts of their own.

    **With secrets.** It is asked for at each operation.
    """
    options = _transfers(storage)
    client: dict[str, Any] = {}
    if region := storage.region_name:
        client["region_name"] = region
    if (verify := storage.verify) is not None and verify != "":
        client["verify"] = verify if isinstance(verify, bool) else os.fspath(verify)
    if client:
        options["client_kwargs"] = client
    if endpoint := storage.endpoint_url:
        options["endpoint_url"] = endpoint
    if storage.use_ssl is False:
        options["use_ssl"] = False
    # Else each value would make a client of its own.
    if not computes_parameters(storage) and (parameters := request_parameters(storage)):
        options["s3_additional_kwargs"] = parameters
    options["config_kwargs"] = config = _config(storage)
    if isinstance(config["signature_version"], str):
        options.update(_identity(storage))
    else:  # botocore's UNSIGNED, which the filesystem sets itself
        del config["signature_version"]
        options["anon"] = True
    return options


def _transfers(storage: S3Options) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if isinstance(exclusive := storage.exclusive_create, bool):
        options["exclusive_create"] = exclusive
    transfer: Any = storage.transfer_config
    known = transfer if isinstance(transfer, Mapping) else getattr(transfer, "__dict__", {})
    part = storage.file_buffer_size or known.get("multipart_chunksize")
    if isinstance(part, int):  # boto3 has an object in place of what is not set
        options["part_size"] = part
    concurrency = (
        storage.max_concurrency or known.get("max_concurrency") or known.get("max_request_concurrency")
    )
    if isinstance(concurrency, int):
        options["max_concurrency"] = concurrency
    if storage.auto_create_bucket:
        acl = storage.bucket_acl
        options["create_bucket"] = {"ACL": acl} if acl else {}
    return options


def computes_parameters(storage: S3Options) -> bool:
    """Tell whether a project has made a property of what S3 is told with every object."""
    return storage.computes("object_parameters") or storage.computes("default_acl")


def request_parameters(storage: S3Options) -> dict[str, Any]:
    """Return what S3 is told with every request that takes it."""
    acl = storage.default_acl  # first: if it fails, no secret is in this frame
    return ({"ACL": acl} if acl else {}) | object_parameters_of(storage)


def object_parameters_of(storage: S3Options) -> dict[str, Any]:
    """Return what S3 is told with every object: ``object_parameters``, and what old settings say beside them."""
    declared = type(storage).declared_options()["object_parameters"]
    parameters: dict[str, Any] = {}
    if isinstance(declared, ObjectParameters):
        declared.look_up()
        parameters.update(declared.former)
    given: Any = storage.object_parameters
    if isinstance(given, Mapping):
        parameters.update(given)
    if metadata := parameters.get("Metadata"):
        parameters["Metadata"] = dict(metadata)  # of any mapping: the SDK knows dicts
    return parameters


def _identity(storage: S3Server) -> dict[str, Any]:
    if storage.anonymous:
        return {"anon": True}
    if profile := storage.session_profile:
        return {"profile": profile}
    found = credentials_of(storage)
    if found is None:
        return {}
    pair = {"key": found.key, "secret": found.secret}
    return {**pair, "token": found.token} if found.token else pair


def _config(storage: S3Server) -> dict[str, Any]:
    config: dict[str, Any] = {
        "signature_version": storage.signature_version or signature_for(str(storage.bucket_name)),
        "connect_timeout": storage.connect_timeout or None,
        "read_timeout": storage.read_timeout or None,
    }
    s3: dict[str, Any] = {}
    if style := storage.addressing_style:
        s3["addressing_style"] = style
    if isinstance(accelerate := storage.accelerate, bool):
        s3["use_accelerate_endpoint"] = accelerate
    if isinstance(dualstack := storage.dualstack, bool):
        s3["use_dualstack_endpoint"] = dualstack
    if isinstance(fips := storage.fips, bool):
        config["use_fips_endpoint"] = fips
    if connections := storage.max_pool_connections:
        config["max_pool_connections"] = connections
    if isinstance(proxies := storage.proxies, Mapping):
        config["proxies"] = dict(proxies)
    given = _plain(storage.client_config)
    if given:
        s3.update(given.get("s3") or {})
        config.update(given)
    if config.get("use_fips_endpoint") and "." not in str(storage.bucket_name):
        # The SDK would sign URLs for the bucket's region and have them lead to another.
        s3.setdefault("addressing_style", "virtual")
    if s3:
        config["s3"] = s3
    if isinstance(config.get("proxies"), dict):
        config["proxies"] = _proxies(storage, config)
    return config


def _plain(config: Any) -> dict[str, Any]:
    """Return the keywords of a botocore ``Config``, which knows them by a name of its own; a dict as it is."""
    if config is None or isinstance(config, Mapping):
        return dict(config or {})
    return cast("dict[str, Any]", getattr(config, "_user_provided_options", {}))


def _proxies(storage: S3Server, config: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = config["proxies"]
    if not any("://" in key or key == "all" for key in given):
        return dict(given)
    hosts = endpoint_hosts(
        storage.endpoint_url,
        storage.bucket_name,
        storage.region_name or config.get("region_name"),
        config.get("s3", {}),
        bool(config.get("use_fips_endpoint")),
    )
    return proxies_by_scheme(given, hosts)
