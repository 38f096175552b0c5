"""What the SDK for S3 is taught beside its configuration: to read its models elsewhere, to wait and retry as we do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache, partial
from inspect import signature
from typing import Any

from django_fsspec_storages.filesystems.s3_errors import is_untrusted
from django_fsspec_storages.filesystems.s3_sending import Body, rests

__all__ = ["bound_tunnels", "client_keywords", "config_keywords", "listen", "read_models"]

logger = logging.getLogger("django_fsspec_storages")


#: The signer of requests with a body, among the SDK's.
_SIGNER = "django-fsspec-storages-s3v4"


def listen(events: Any, asks_for_checksums: bool, verifies: bool) -> None:
    """Register with a client's events what its requests need.

    :param verifies: whether TLS tells who the server is, and so protects what is sent.
    """
    from botocore.handlers import add_expect_header

    # "Expect: 100-continue" costs every save a round trip, and waits for ever where a proxy does not know it.
    events.unregister("before-call.s3", add_expect_header)
    events.register_first("needs-retry.s3", partial(_watch_retries, set()))
    for operation in ("PutObject", "UploadPart"):
        if verifies:
            events.register(f"before-call.s3.{operation}", _tell_of_checksum)
        events.register(f"choose-signer.s3.{operation}", _signer_of_bodies)
        events.register(f"before-sign.s3.{operation}", _hash_beside_the_loop)
    if asks_for_checksums:
        events.register("before-call.s3.GetObject", _ask_for_checksum)


def _tell_of_checksum(params: dict[str, Any], **kwargs: Any) -> None:
    """Have the SDK know of the checksum that we give as a header: over TLS it then need not sign the body as well."""
    name = "x-amz-checksum-crc32"
    if name in params["headers"]:
        algorithm = {"algorithm": "crc32", "in": "header", "name": name}
        params["context"].setdefault("checksum", {}).setdefault("request_algorithm", algorithm)


def _signer_of_bodies(signature_version: Any, **kwargs: Any) -> str | None:
    """Return the name of the signer that takes a hash which is known, for the one of the SDK that computes it."""
    if signature_version != "s3v4":  # others, as v4, are as good, and hash on the loop
        return None
    _signer()
    return _SIGNER


async def _hash_beside_the_loop(request: Any, signature_version: Any, **kwargs: Any) -> None:
    """Have the hash of a body known before the SDK asks for it."""
    if signature_version == _SIGNER and isinstance(request.body, Body) and _signer().signs_body(request):
        await request.body.hash()


@cache
def _signer() -> Any:
    """Return the class of the signer, which the SDK then knows by its name."""
    from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth

    class BodySigner(S3SigV4Auth):  # type: ignore[misc]
        @classmethod
        def signs_body(cls, request: Any) -> bool:
            """Tell whether the SDK's rules want the hash of the body in the signature."""
            return bool(cls(None, "s3", "")._should_sha256_sign_payload(request))

        def payload(self, request: Any) -> Any:
            return getattr(request.body, "sha256", None) or super().payload(request)

    AUTH_TYPE_MAPS[_SIGNER] = BodySigner
    return BodySigner


def read_models(session: Any) -> None:
    """Have the SDK read its descriptions of S3, which takes most of a second, while its loop does other things."""
    loader = session.get_component("data_loader")
    loader.load_service_model("s3", "service-2")
    loader.load_service_model("s3", "endpoint-rule-set-1")
    loader.load_data("partitions")
    loader.load_data("endpoints")


def config_keywords() -> frozenset[str]:
    """Return the keywords of the SDK's ``Config``; none where there is no SDK."""
    try:
        from botocore.config import Config
    except ImportError:
        return frozenset()
    return frozenset(Config.OPTION_DEFAULTS)


def client_keywords() -> frozenset[str]:
    """Return the keywords of the SDK's function that makes a client; none where there is no SDK."""
    try:
        from botocore.session import Session
    except ImportError:
        return frozenset()
    return frozenset(signature(Session.create_client).parameters) - {"self", "service_name", "config"}


def bound_tunnels(client: Any) -> None:
    """Have a proxy that never answers CONNECT end in a time-out: neither of the SDK's two covers that."""
    session: Any = getattr(getattr(client, "_endpoint", None), "http_session", None)
    proxies = getattr(session, "_proxy_config", None)
    waits = getattr(session, "_timeout", None)
    if (
        waits is None
        or not getattr(proxies, "_proxies", None)
        or not (waits.sock_connect and waits.sock_read)
    ):
        return
    from aiohttp import ClientTimeout

    together = waits.sock_connect + waits.sock_read
    session._timeout = ClientTimeout(
        connect=together, sock_connect=waits.sock_connect, sock_read=waits.sock_read
    )


def _ask_for_checksum(params: dict[str, Any], **kwargs: Any) -> None:
    params["headers"]["x-amz-checksum-mode"] = "ENABLED"


def _watch_retries(
    told: set[str],
    attempts: int,
    operation: Any,
    request_dict: Mapping[str, Any],
    response: Any = None,
    caught_exception: Any = None,
    **kwargs: Any,
) -> None:
    """Have no time-out tried again, so that nobody waits a multiple of what was configured; log the other retries.

    Nor a certificate that nobody vouches for, which stays as it is.

    :param told: buckets whose region was logged.
    """
    from botocore.exceptions import ClientError, ConnectTimeoutError, ProxyConnectionError, ReadTimeoutError

    rests(request_dict.get("body"))
    if isinstance(caught_exception, ProxyConnectionError):
        caught_exception.__context__ = None  # which shows the proxy's address with its password
    if isinstance(caught_exception, (ConnectTimeoutError, ReadTimeoutError)) or is_untrusted(
        caught_exception
    ):
        raise caught_exception
    _tell_of_region(told, request_dict.get("context", {}))
    if response is not None and operation.name == "HeadBucket" and _leads_nowhere(*response):
        raise ClientError(response[1], operation.name)  # the SDK would ask the same again, for ever
    if attempts > 1:
        # Of the address only what is no parameter: those may be of an encryption, or a signature.
        address = str(request_dict.get("url")).partition("?")[0]
        logger.warning("S3: %s of %s was tried again, attempt %d", operation.name, address, attempts)


def _tell_of_region(told: set[str], context: Mapping[str, Any]) -> None:
    """Log, once, that the SDK has followed a bucket to another region: signed URLs do not."""
    redirect = context.get("s3_redirect", {})
    if not redirect.get("redirected") or redirect["bucket"] in told:
        return
    told.add(redirect["bucket"])
    region = context.get("signing", {}).get("region")
    logger.warning(
        "S3: the bucket %r is in the region %s and not in %s: requests follow it, and signed URLs, which do not, are "
        "refused. Set AWS_S3_REGION_NAME, or region_name, to %s",
        redirect["bucket"],
        region,
        context.get("client_region"),
        region,
    )


def _leads_nowhere(reply: Any, parsed: Mapping[str, Any]) -> bool:
    """Tell whether a reply sends the SDK to another region and does not say to which."""
    headers = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return reply.status_code in (301, 302, 307) and "x-amz-bucket-region" not in headers
