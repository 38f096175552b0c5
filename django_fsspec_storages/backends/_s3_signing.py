"""How a storage on S3 signs: where its URLs lead, and with which keys."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from django_fsspec_storages.backends._s3_checks import seconds_of
from django_fsspec_storages.backends._s3_metadata import S3Metadata
from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.tracebacks import forget_values
from django_fsspec_storages.options.option import generation
from django_fsspec_storages.signing.s3_endpoints import Endpoint, resolve
from django_fsspec_storages.signing.sigv4 import ALGORITHM, LONGEST, Credentials
from django_fsspec_storages.storage import FsspecStorage

__all__ = ["S3Signing", "Signer", "is_ambient"]

#: The options that say where URLs lead and who signs them.
_asked = attrgetter(
    *("bucket_name", "endpoint_url", "region_name", "use_ssl", "addressing_style", "signature_version"),
    *("accelerate", "dualstack", "fips", "client_config", "anonymous", "extra_options"),
    *("session_profile", "access_key", "secret_key", "security_token"),
)

#: What else the SDK would read: with any of these it is asked.
_VARIABLES = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULTS_MODE"),
    *("AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"),
    *(
        "AWS_S3_USE_ARN_REGION",
        "AWS_AUTH_SCHEME_PREFERENCE",
        "AWS_SIGV4A_SIGNING_REGION_SET",
        "AWS_DATA_PATH",
    ),
)
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}

#: What constructor options of the filesystem may hold for its URLs to be made without the SDK: what is used here, and
#: what has nothing to do with them.
_CLIENT = frozenset(
    {
        *("region_name", "endpoint_url", "use_ssl", "verify"),
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    }
)
_CONFIG = frozenset(
    {
        *("region_name", "signature_version", "s3", "use_dualstack_endpoint", "use_fips_endpoint"),
        *(
            "connect_timeout",
            "read_timeout",
            "max_pool_connections",
            "retries",
            "tcp_keepalive",
            "client_cert",
        ),
        *("proxies", "proxies_config", "user_agent", "user_agent_extra", "user_agent_appid"),
        *("request_checksum_calculation", "response_checksum_validation", "parameter_validation"),
    }
)
_S3 = frozenset(
    {
        *("addressing_style", "use_accelerate_endpoint", "use_dualstack_endpoint", "use_arn_region"),
        *("us_east_1_regional_endpoint", "payload_signing_enabled"),
    }
)

_NO_KEY = (
    "set access_key and secret_key, give the machine a role, or set anonymous or querystring_auth=False for a public "
    "bucket"
)

#: Seconds, where a project says that there are none.
_LIFETIME: Any = S3Metadata.querystring_expire.default

#: The key that the SDK is asked about, to learn where it leads.
_PROBE = "k"


class Signer(NamedTuple):
    """What URLs are made from.

    :param endpoint: None: only the SDK knows.
    :param credentials: None: the SDK finds them.
    :param payer: who pays, if not the bucket's owner.
    """

    endpoint: Endpoint | None
    credentials: Credentials | None
    version: Any
    anonymous: bool
    payer: str | None


class S3Signing(S3Metadata):
    """Finds out without the SDK where its answer is certain; else the SDK is asked, once."""

    caches: ClassVar[frozenset[str]] = FsspecStorage.caches | {"_signing", "_learned"}

    @property
    def signs_offline(self) -> bool:
        """Whether URLs need neither the SDK nor a server: keys are in the options, and nothing else could be meant."""
        signer = self._signer()
        signed = self.querystring_auth and not signer.anonymous
        return signer.endpoint is not None and (signer.credentials is not None or not signed)

    def credentials(self) -> Credentials:
        """Return the keys that URLs are signed with: the configured ones, else those of the SDK, which it renews.

        :raises PermissionError: if there are none.
        """
        return self._credentials(self._signer())

    def _credentials(self, signer: Signer) -> Credentials:
        if signer.anonymous:
            raise CannotKeepPromise(f"{self.where()}: it is anonymous, and has nothing to sign with.")
        if signer.credentials is not None:
            return signer.credentials
        with self._sdk() as client:
            found: Credentials = client.credentials(self.seconds())
            return found

    def _seconds_valid(self, expire: float | timedelta | None, longest: int | None = LONGEST) -> int:
        """Return for how long something is signed; what the settings say is bounded by what S3 takes.

        :raises ValueError: if it is for less than a second.
        """
        if expire is None:
            seconds = int(seconds_of(self.querystring_expire or _LIFETIME))
            return seconds if longest is None else min(seconds, longest)
        seconds = int(seconds_of(expire))
        if seconds < 1:
            raise ValueError(f"What is signed is valid for a second at least, not for {expire}.")
        return seconds

    def _path_of_bucket(self) -> str:
        """Return the bucket as paths have it: the slash in an access point's ARN may be a colon, and has to be one."""
        return str(self.bucket_name).replace("/", ":")

    @contextmanager
    def _sdk(self, name: str = "") -> Iterator[Any]:
        """Yield the SDK's client; what it cannot do is one of our errors."""
        filesystem: Any = self.fs
        callers = sys.exception()
        try:
            yield filesystem.client
        except RuntimeError:  # it was called on the filesystem's own event loop
            raise
        except Exception as error:
            ours: Exception | None = self.translator(name)(error)
            if type(error) is PermissionError:
                ours = PermissionError(errno.EACCES, f"{error.strerror} in {self.where()}: {_NO_KEY}")
            if ours is None or type(error).__name__ == "ParamValidationError":
                ours = CannotKeepPromise(f"{self.where()}: the SDK cannot sign this: {type(error).__name__}.")
            forget_values(error, callers)
            raise ours from error

    def _endpoint(self, signer: Signer, *, signed: bool = True) -> Endpoint | None:
        """Return where URLs lead; None where every single one has to come from the SDK.

        :param signed: False: the SDK is asked for it without credentials, which there need not be.
        """
        if signer.endpoint is not None:
            return signer.endpoint
        learned: dict[bool, tuple[Signer, Endpoint | None]] = self.__dict__.setdefault("_learned", {})
        known, bucket = learned.get(signed), self._path_of_bucket()
        if known is None or known[0] is not signer:
            with self._sdk() as client:
                url = client.presigned(
                    "get_object", bucket, _PROBE, {}, 60, "GET", signed=signed, wait=self.seconds()
                )
            learned[signed] = known = (signer, _learned(url, bucket, signed=signed))
        return known[1]

    def _signer(self) -> Signer:
        asked = _asked(self)
        known: tuple[int, tuple[Any, ...], Signer] | None = self.__dict__.get("_signing")
        if known is None or known[0] != generation() or known[1] != asked:
            self.__dict__["_signing"] = known = (generation(), asked, self._made_signer())
        return known[2]

    def _made_signer(self) -> Signer:
        options = self._merged_options()
        config = dict(options.get("config_kwargs") or {})
        version = config.get("signature_version", "s3v4")
        anonymous = bool(options.get("anon")) or not isinstance(version, str)
        payer = "requester" if options.get("requester_pays") else None
        endpoint = None if is_ambient(options) else _resolved(self._path_of_bucket(), options, config)
        return Signer(endpoint, None if anonymous else _keys(options), version, anonymous, payer)


def is_ambient(options: Mapping[str, Any]) -> bool:
    """Tell whether the environment, a file or the SDK's own objects may say more of the endpoint than is known here."""
    if options.get("profile") or options.get("session") or any(map(os.environ.get, _VARIABLES)):
        return True
    # Not Path.expanduser(), as ruff would have it: that raises where there is no home.
    files = (os.environ.get(name) or os.path.expanduser(usual) for name, usual in _FILES.items())  # noqa: PTH111
    return any(map(os.path.isfile, files))


def _resolved(bucket: str, options: Mapping[str, Any], config: Mapping[str, Any]) -> Endpoint | None:
    client, s3 = dict(options.get("client_kwargs") or {}), dict(config.get("s3") or {})
    if not (client.keys() <= _CLIENT and config.keys() <= _CONFIG and s3.keys() <= _S3):
        return None
    return resolve(
        bucket,
        region=client.get("region_name") or config.get("region_name") or os.environ.get("AWS_DEFAULT_REGION"),
        endpoint_url=options.get("endpoint_url") or client.get("endpoint_url"),
        use_ssl=bool(client.get("use_ssl", options.get("use_ssl", True))),
        addressing_style=s3.get("addressing_style"),
        use_accelerate_endpoint=bool(s3.get("use_accelerate_endpoint")),
        use_dualstack_endpoint=bool(s3.get("use_dualstack_endpoint") or config.get("use_dualstack_endpoint")),
        use_fips_endpoint=bool(config.get("use_fips_endpoint")),
        use_arn_region=s3.get("use_arn_region"),
        us_east_1_regional_endpoint=s3.get("us_east_1_regional_endpoint"),
    )


def _keys(options: Mapping[str, Any]) -> Credentials | None:
    """Return the key that the filesystem is given, by any of its names; None: the SDK finds one."""
    client = options.get("client_kwargs") or {}
    key = options.get("key") or options.get("username") or client.get("aws_access_key_id")
    secret = options.get("secret") or options.get("password") or client.get("aws_secret_access_key")
    token = options.get("token") or client.get("aws_session_token")
    return Credentials(key, secret, token or None) if key and secret else None


def _learned(url: str, bucket: str, *, signed: bool) -> Endpoint | None:
    """Return where a URL of the SDK's leads, if it is signed as ours are, or not at all."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    scope = query.get("X-Amz-Credential", "").split("/")
    ours = query.get("X-Amz-Algorithm") == ALGORITHM and query.get("X-Amz-SignedHeaders") == "host"
    if signed and not ours:
        return None
    region, service = scope[2:4] if ours else ("", "")
    prefix = parts.path.removesuffix(f"/{_PROBE}")
    return Endpoint(f"{parts.scheme}://{parts.netloc}", prefix, region, service, f"/{bucket}")
