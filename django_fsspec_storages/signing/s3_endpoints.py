"""Where a presigned S3 URL leads: the host of a bucket, and the region and service that its signature names.

Rules: `Methods for accessing a bucket
<https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-bucket-intro.html>`_ and `Amazon S3 endpoints
<https://docs.aws.amazon.com/general/latest/gr/s3.html>`_. Where they leave a choice, it is botocore's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from django_fsspec_storages.signing.s3_hosts import (
    AWS,
    EAST,
    GLOBAL,
    LABEL,
    Place,
    domain,
    is_ipv4,
    is_label,
    is_name,
    is_region,
    partition,
    place_of,
)

__all__ = ["Endpoint", "resolve", "signature_for"]

_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")
_ARN = re.compile(
    rf"arn:aws[a-z-]*:(s3|s3-object-lambda|s3-outposts):({LABEL}):([0-9]{{12}}):"
    rf"(?:outpost[/:]({LABEL})[/:])?accesspoint[/:]({LABEL})"
)
_MULTI_REGION = re.compile(r"arn:aws[a-z-]*:s3::[0-9]{12}:accesspoint[/:][^/:]+")
_ACCELERATE = re.compile(r"s3-accelerate(\.dualstack)?\.[^.:]*amazonaws\.com")

#: S3 Express signs with a session of its own; the alias of an Outposts bucket means another service.
_OTHERS = ("--x-s3", "--xa-s3", "--op-s3")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the requests for a bucket go. With ``path = "/" + quote_key(key)``:

    :param address: scheme and host, with a port if the endpoint has one; a URL begins with it.
    :param prefix: what precedes ``path`` in the URL: the endpoint's own path, and the bucket where the host does not
        say it. A form (POST) goes to ``address`` and ``prefix or "/"``.
    :param region: that a signature names; it may be another than the caller's.
    :param service: that a signature names.
    :param resource: what precedes ``path`` in the resource that SigV2 signs, whatever the URL.
    """

    address: str
    prefix: str
    region: str
    service: str
    resource: str


class _Asked(NamedTuple):
    bucket: str
    region: str | None
    endpoint_url: str | None
    use_ssl: bool
    style: str
    accelerate: bool
    dualstack: bool
    fips: bool
    use_arn_region: bool
    legacy: bool


def signature_for(bucket: str) -> str:
    """Return the signature that requests for a bucket want, in botocore's words.

    A Multi-Region Access Point, whose ARN names no region, wants SigV4A:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiRegionAccessPointRequests.html
    """
    return "s3v4a" if bucket.startswith("arn:") and _MULTI_REGION.fullmatch(bucket) else "s3v4"


def resolve(
    bucket: str,
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    use_ssl: bool = True,
    addressing_style: str | None = None,
    use_accelerate_endpoint: bool = False,
    use_dualstack_endpoint: bool = False,
    use_fips_endpoint: bool = False,
    use_arn_region: bool | None = None,
    us_east_1_regional_endpoint: str | None = None,
) -> Endpoint | None:
    """Return where botocore's presigned URLs for a bucket lead, or None where botocore itself has to be asked.

    Options are those of botocore's ``Config`` and ``create_client``, with their defaults; nothing is read from the
    environment. Answers are kept.

    :param bucket: its name, or the ARN of an access point.
    :param region: None if it is not known; ``"aws-global"`` is a region.
    :param endpoint_url: of a service that speaks S3; with it ``use_ssl``, dual stack and FIPS have no effect.
    :param addressing_style: None, ``"auto"``, ``"virtual"`` or ``"path"``. With None or ``"auto"`` Amazon's URLs
        lead to the global host, whatever the region.
    :param us_east_1_regional_endpoint: None, ``"legacy"`` or ``"regional"``.
    :return: None for S3 Express, Multi-Region Access Points, aliases of Outposts buckets, regions that are none
        (``fips-…``, ``aws-cn-global``, ``s3-external-1``), endpoint URLs with more than scheme, host, port and a plain
        path, and what botocore refuses.
    """
    style, east = addressing_style or "auto", us_east_1_regional_endpoint or "legacy"
    if style not in ("auto", "virtual", "path") or east not in ("legacy", "regional"):
        return None
    asked = _Asked(
        bucket,
        region,
        endpoint_url,
        use_ssl,
        style,
        use_accelerate_endpoint,
        use_dualstack_endpoint,
        use_fips_endpoint,
        use_arn_region is not False,
        east == "legacy",
    )
    return _resolve(asked)


@lru_cache(maxsize=256)
def _resolve(asked: _Asked) -> Endpoint | None:
    client, signing = _regions(asked)
    if not (is_region(client) and _exists(asked, client)):
        return None
    place = None
    if asked.endpoint_url is not None:
        place = place_of(asked.endpoint_url)
        if place is None or asked.accelerate:
            return None
        asked = asked._replace(dualstack=False, fips=False)
    if asked.bucket.startswith("arn:"):
        return _access_point(asked, place, client)
    if _BUCKET.fullmatch(asked.bucket) is None or asked.bucket.endswith(_OTHERS):
        return None
    return _bucket(asked, place, client, signing)


def _regions(asked: _Asked) -> tuple[str, str]:
    """Return the client's region, and the one that signatures for a bucket name."""
    if asked.region is None:
        return EAST if asked.legacy or asked.dualstack else GLOBAL, EAST
    if asked.region == GLOBAL and asked.endpoint_url is None:
        return GLOBAL, EAST
    return asked.region, asked.region


def _exists(asked: _Asked, client: str) -> bool:
    """Tell whether a region has what is asked of it."""
    where = partition(client)
    if asked.dualstack and ("-iso" in where or (asked.accelerate and client == GLOBAL)):
        return False
    if asked.fips and asked.endpoint_url is None and (asked.accelerate or where == "cn"):
        return False
    return not (asked.accelerate and where == "cn")


def _bucket(asked: _Asked, place: Place | None, client: str, signing: str) -> Endpoint | None:
    bucket, in_host = asked.bucket, _in_host(asked, place)
    if (asked.accelerate and not in_host) or (in_host and place is not None and place.ip):
        return None
    if place is not None:
        scheme, host, base = place.scheme, place.authority, place.path
    else:
        scheme, host, base = _scheme(asked), _host(asked, _of_host(asked, client)), ""
    address, prefix = (f"{bucket}.{host}", base) if in_host else (host, f"{base}/{bucket}")
    return Endpoint(f"{scheme}://{address}", prefix, signing, "s3", f"/{bucket}")


def _in_host(asked: _Asked, place: Place | None) -> bool:
    """Tell whether the host says the bucket; else the path does."""
    bucket = asked.bucket
    if _by_path(asked, place) or len(bucket) < 3 or bucket != bucket.lower():
        return False
    if is_label(bucket):
        return place is None or not place.ip
    # Over HTTP no certificate has to name a bucket with dots.
    dotted = is_name(bucket) and not is_ipv4(bucket)
    return dotted and place is not None and place.scheme == "http"


def _by_path(asked: _Asked, place: Place | None) -> bool:
    """Tell whether a bucket belongs into the path whatever its name."""
    if asked.accelerate:
        return False
    if place is not None and _ACCELERATE.fullmatch(place.authority) is None:
        return asked.style != "virtual"
    return asked.style == "path"


def _of_host(asked: _Asked, client: str) -> str:
    """Return the region that Amazon's host is of. For a presigned URL botocore prefers the global one."""
    elsewhere = (
        asked.dualstack
        or asked.style == "virtual"
        or partition(client) != AWS
        or (client == EAST and not asked.legacy)
        or _by_path(asked, None)
        or not is_label(asked.bucket)
    )
    return client if elsewhere else GLOBAL


def _host(asked: _Asked, region: str) -> str:
    dualstack = ".dualstack" if asked.dualstack else ""
    if asked.accelerate:
        return f"s3-accelerate{dualstack}.{domain(region)}"
    if asked.fips or dualstack:
        region = EAST if region == GLOBAL else region
        return f"{'s3-fips' if asked.fips else 's3'}{dualstack}.{region}.{domain(region)}"
    if region == GLOBAL or (region == EAST and asked.legacy):
        return f"s3.{domain(region)}"
    return f"s3.{region}.{domain(region)}"


def _scheme(asked: _Asked) -> str:
    return "https" if asked.use_ssl else "http"


def _access_point(asked: _Asked, place: Place | None, client: str) -> Endpoint | None:
    found = _ARN.fullmatch(asked.bucket)
    if found is None:
        return None
    service, region, account, outpost, name = found.groups()
    if (
        asked.accelerate
        or (service == "s3-outposts") != (outpost is not None)
        or not is_region(region)
        or partition(region) != partition(client)
        or (region != client and not asked.use_arn_region)
        or (service != "s3" and asked.dualstack)
        or (service == "s3-outposts" and asked.fips)
    ):
        return None
    front = f"{name}-{account}.{outpost}" if outpost else f"{name}-{account}"
    if place is not None:
        if place.ip:
            return None
        scheme, path = ("https", "") if outpost else (place.scheme, place.path)
        return Endpoint(f"{scheme}://{front}.{place.authority}", path, region, service, "")
    kind = "s3-accesspoint" if service == "s3" else service
    host = f"{kind}{'-fips' if asked.fips else ''}{'.dualstack' if asked.dualstack else ''}"
    return Endpoint(f"{_scheme(asked)}://{front}.{host}.{region}.{domain(region)}", "", region, service, "")
