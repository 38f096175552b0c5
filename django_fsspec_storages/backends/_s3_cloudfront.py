"""Signed URLs and cookies of CloudFront, for the files behind ``custom_domain``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NoReturn
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from django_fsspec_storages import names
from django_fsspec_storages.backends._s3_signing import S3Signing
from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.options import Option
from django_fsspec_storages.signing import cloudfront
from django_fsspec_storages.signing.windows import expiry

__all__ = ["CloudFrontSigner", "S3CloudFront"]


#: Where a project says that there is none; ``""`` is that of the page.
_PROTOCOL: Any = S3Signing.url_protocol.default


class CloudFrontSigner:
    """What django-storages hands to projects: botocore's class of this name, over our signer.

    :param key_id: of the public key in CloudFront.
    :param rsa_signer: signs bytes.
    """

    def __init__(self, key_id: str, rsa_signer: cloudfront.Sign) -> None:
        self.key_id = key_id
        self.rsa_signer = rsa_signer

    def generate_presigned_url(
        self, url: str, date_less_than: datetime | None = None, policy: str | None = None
    ) -> str:
        """Return a URL with a signature.

        :param date_less_than: when it ends, for a canned policy; a naive time is UTC.
        :param policy: a custom policy of one's own, as JSON, instead.
        :raises ValueError: if there are both, or neither.
        """
        if policy is not None and date_less_than is None:
            return cloudfront.sign_url_with(url, self.key_id, self.rsa_signer, policy)
        if date_less_than is None or policy is not None:
            raise ValueError("A signed URL has either an end (date_less_than) or a policy.")
        expires = date_less_than if date_less_than.tzinfo else date_less_than.replace(tzinfo=UTC)
        return cloudfront.sign_url(url, self.key_id, self.rsa_signer, expires=expires)

    def __repr__(self) -> str:
        return f"<CloudFrontSigner {self.key_id}>"


def _from_key(storage: S3CloudFront) -> Any:
    """Return what signs with the key of the options, which is read when there is something to sign."""
    key_id, key = storage.cloudfront_key_id, S3Signing.cloudfront_key.convert(storage.cloudfront_key)
    if not key_id or not key:
        return None
    if not storage.overrides("get_cloudfront_signer"):
        return CloudFrontSigner(key_id, storage.sign_with_key)
    known = storage.__dict__.get("_cloudfront")
    if known is None or known[0] != (key_id, key):
        storage.__dict__["_cloudfront"] = known = ((key_id, key), storage.get_cloudfront_signer(key_id, key))
    return known[1]


class S3CloudFront(S3Signing):
    """Signs with ``cloudfront_key_id`` and ``cloudfront_key``, or with ``cloudfront_signer``."""

    caches: ClassVar[frozenset[str]] = S3Signing.caches | {"_cloudfront"}

    cloudfront_signer: Option[Any] = Option(
        default=_from_key,
        check=S3Signing.cloudfront_signer.check,
        secret=True,
        doc=S3Signing.cloudfront_signer.doc,
    )

    def get_cloudfront_signer(self, key_id: str, key: Any) -> CloudFrontSigner:
        """Return a signer for a key. A subclass may return another: it is asked for once a key.

        :param key: PEM as text or bytes, or the path of a file.
        :raises ValueError: if it is no private RSA key, or the file cannot be read.
        :raises ImproperlyConfigured: if the package cryptography is not installed.
        """
        sign, key = _read(key), None  # a debug page shows the locals of every frame
        if isinstance(sign, Exception):
            raise sign
        return CloudFrontSigner(key_id, sign)

    def sign_with_key(self, message: bytes) -> bytes:
        """Sign with ``cloudfront_key``.

        :raises ImproperlyConfigured: if it cannot be used; the message shows nothing of it.
        """
        sign = _read(self.cloudfront_key)
        if isinstance(sign, Exception):
            raise ImproperlyConfigured(f"{self.where()}: {self.key_fault()}.")
        return sign(message)

    def key_fault(self) -> str | None:
        """Return what is wrong with ``cloudfront_key``, without showing it; None if it can sign."""
        sign = _read(self.cloudfront_key)
        if not isinstance(sign, Exception):
            return None
        return f"option 'cloudfront_key', from {self.option_source('cloudfront_key').source}: {sign}"

    def signs_for_cloudfront_offline(self) -> bool:
        """Tell whether what signs is ours: a project's own may ask a vault."""
        if self.overrides("get_cloudfront_signer"):
            return False
        return self.cloudfront_signer is None or isinstance(self.cloudfront_signer, CloudFrontSigner)

    def _scheme(self) -> str:
        """Return what URLs of ``custom_domain`` begin with; nothing is the protocol of the page."""
        protocol: Any = self.url_protocol
        return protocol if isinstance(protocol, str) else _PROTOCOL

    def sign_for_cloudfront(
        self,
        url: str,
        seconds: float,
        starts: datetime | None = None,
        ip: str | None = None,
        resource: str | None = None,
    ) -> str:
        """Return a URL of ``custom_domain``, signed where there is a key and ``querystring_auth`` is on.

        One without a scheme is signed for both. Parameters as :func:`signing.cloudfront.sign_url`.
        """
        signer = self.cloudfront_signer if self.querystring_auth else None
        custom = (starts, ip, resource) != (None, None, None)
        if not signer:
            if custom:
                raise CannotKeepPromise(
                    f"{self.where()}: a URL without a signature has no policy: set cloudfront_key_id and its key."
                )
            return url
        expires = expiry(datetime.now(UTC), int(seconds), self.url_window)
        if url.startswith("//"):
            custom, resource = True, resource or f"http*:{url}"
        if hasattr(signer, "generate_presigned_url"):
            policy = cloudfront.policy(resource or url, expires=expires, starts=starts, ip=ip)
            asked: dict[str, Any] = {"policy": policy} if custom else {"date_less_than": expires}
            return str(signer.generate_presigned_url(url, **asked))
        key_id, sign = self._key_id_and(signer)
        return cloudfront.sign_url(
            url, key_id, sign, expires=expires, starts=starts, ip=ip, resource=resource
        )

    def _key_id_and(self, signer: Any) -> tuple[str, cloudfront.Sign]:
        key_id = getattr(signer, "key_id", None) or self.cloudfront_key_id
        sign = getattr(signer, "rsa_signer", None) or signer
        if not key_id or not callable(sign):
            self._refuse_signer()
        return str(key_id), sign

    def _refuse_signer(self) -> NoReturn:
        raise ImproperlyConfigured(
            f"{self.where()}: CloudFront has to know which key signed: set cloudfront_key_id beside cloudfront_signer, "
            "which is a function that signs bytes, or has key_id and rsa_signer as botocore's CloudFrontSigner does."
        )

    def signed_cookies(
        self,
        pattern: str = "*",
        *,
        expire: float | timedelta | None = None,
        starts: datetime | None = None,
        ip: str | None = None,
    ) -> dict[str, str]:
        """Return the cookies that give a browser access to many files behind ``custom_domain``, by their names.

        Set them with ``Secure`` and ``HttpOnly``, for a domain that the distribution's shares.

        :param pattern: of names, relative to ``location``: ``"videos/7/*"``; ``*`` stands for any characters, ``?`` for
            one.
        :param expire: seconds, ``querystring_expire`` unless given.
        :param starts: aware; from when they hold.
        :param ip: the address or network that requests must come from; IPv4.
        :raises ImproperlyConfigured: if there is no ``custom_domain``, or no key.
        :raises SuspiciousFileOperation: if the pattern would leave the location.
        """
        self.require_options()
        signer = self.cloudfront_signer
        if not signer or not self.custom_domain:
            raise ImproperlyConfigured(
                f"{self.where()}: signed cookies are CloudFront's: set custom_domain, cloudfront_key_id and "
                "cloudfront_key."
            )
        key_id, sign = self._key_id_and(signer)
        path = quote(self._normalize_name(names.clean_for_url(pattern)), safe="/~!*()'?")
        resource = f"{self._scheme() or 'http*:'}//{self.custom_domain}/{path}"
        expires = expiry(datetime.now(UTC), self._seconds_valid(expire, None), self.url_window)
        return cloudfront.sign_cookies(resource, key_id, sign, expires=expires, starts=starts, ip=ip)


def _read(key: Any) -> cloudfront.Sign | Exception:
    """Return what signs with a key, or what is wrong with it, which no frame that holds the key raises."""
    try:
        return cloudfront.signer(S3Signing.cloudfront_key.convert(key))
    except OSError as error:  # whose filename may be a key that is no PEM
        return ValueError(f"the file of the key cannot be read: {error.strerror}")
    except ValueError as error:
        return ValueError(str(error).rstrip("."))
    except ImportError as error:
        return ImproperlyConfigured(str(error).rstrip("."))
