"""The URLs of a storage on S3: signed for S3, for CloudFront, or plain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.encoding import filepath_to_uri
from django.utils.http import content_disposition_header

from django_fsspec_storages import names
from django_fsspec_storages.backends._s3_cloudfront import S3CloudFront
from django_fsspec_storages.backends._s3_signing import S3Signing
from django_fsspec_storages.errors import CannotKeepPromise, NoUrlError
from django_fsspec_storages.signing import sigv2, sigv4
from django_fsspec_storages.signing.s3_endpoints import Endpoint
from django_fsspec_storages.signing.s3_parameters import query_and_headers
from django_fsspec_storages.signing.windows import expiry, signing_time

__all__ = ["S3Urls"]

_Spelled = tuple[dict[str, str], dict[str, str]]

_NOTHING: _Spelled = ({}, {})

_DISPOSITION = "ResponseContentDisposition"

#: Of a project's parameters for an object, those that its URL carries too.
_OF_OBJECTS = ("VersionId", "RequestPayer")


class S3Urls(S3CloudFront, S3Signing):
    """Makes them. ``url`` takes what django-storages' takes, in its order."""

    @property
    def signs_offline(self) -> bool:
        """Whether URLs need neither the SDK nor a server; a project's own signer may be in a vault."""
        if self.custom_domain:
            return not self.querystring_auth or self.signs_for_cloudfront_offline()
        return bool(self.base_url) or super().signs_offline

    def url(
        self,
        name: str | None,
        parameters: Mapping[str, Any] | None = None,
        expire: float | timedelta | None = None,
        http_method: str | None = None,
        **signing: Any,
    ) -> str:
        """Return the address of a file: of ``custom_domain`` if there is one, else of the bucket.

        :param parameters: of boto3's ``get_object``, ``ResponseContentType`` for example; with ``custom_domain`` the
            query as it is.
        :param expire: seconds that a signed URL is valid; ``querystring_expire`` unless given. S3 takes seven days at
            most, CloudFront any time.
        :param http_method: the only one that it allows; GET unless given.
        :param signing: ``download_as``, the name under which a browser saves it; with CloudFront also ``starts``,
            ``ip`` and ``resource`` of a custom policy.
        :raises ValueError: if it cannot be valid for so long, or what is asked cannot be signed.
        :raises PermissionError: if there is no key to sign with.
        """
        asked = {"parameters": parameters, "expire": expire, "http_method": http_method, **signing}
        return self.sign(names.clean_for_url(name), **asked)

    def sign(self, name: str, **signing: Any) -> str:
        """See :meth:`FsspecStorage.sign`; parameters as :meth:`url`."""
        self.require_options()
        if self.custom_domain:
            return self._domain_url(name, **signing)
        if self.base_url:
            return super().sign(name, **{what: value or None for what, value in signing.items()})
        return self._bucket_url(name, **signing)

    def _key_for_url(self, name: str) -> str:
        key = self._normalize_name(name)
        folder = key and (not name or name.endswith("/")) and not key.endswith("/")
        return f"{key}/" if folder else key

    def _domain_url(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        expire: float | timedelta | None = None,
        http_method: str | None = None,
        download_as: str | None = None,
        **policy: Any,
    ) -> str:
        asked = dict(parameters) if parameters else {}
        if download_as:
            asked.setdefault("response-content-disposition", content_disposition_header(True, download_as))
        path = filepath_to_uri(self._key_for_url(name)).replace(
            "*", "%2A"
        )  # in a policy it would be any characters
        url = f"{self._scheme()}//{self.custom_domain}/{path}"
        url += f"?{urlencode(asked)}" if asked else ""
        return self.sign_for_cloudfront(url, self._seconds_valid(expire, None), **policy)

    def _bucket_url(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        expire: float | timedelta | None = None,
        http_method: str | None = None,
        download_as: str | None = None,
        starts: datetime | None = None,
        ip: str | None = None,
        resource: str | None = None,
    ) -> str:
        if (starts, ip, resource) != (None, None, None):
            raise CannotKeepPromise(
                f"{self.where()}: only CloudFront's URLs have a policy with starts, ip or resource; set custom_domain, "
                "cloudfront_key_id and cloudfront_key."
            )
        key, signer = self._key_for_url(name), self._signer()
        signed = self.querystring_auth and not signer.anonymous
        asked = self._parameters_for_url(key, parameters, signer.payer, download_as, signed=signed)
        version2, method = signer.version == "s3", http_method or "GET"
        seconds = self._seconds_valid(expire, None if version2 else sigv4.LONGEST)
        spelled = _spelled(asked) if asked else _NOTHING
        endpoint = self._endpoint(signer, signed=signed) if spelled is not None else None
        if endpoint is None or spelled is None or (signed and signer.version not in ("s3", "s3v4")):
            return self._url_of_sdk(key, asked, seconds, method, signed=signed)
        path = sigv4.quote_key(key)
        if signed:
            make = self._signed_2 if version2 else self._signed_4
            return make(endpoint, path, spelled, self._credentials(signer), seconds, method)
        query = f"?{urlencode(spelled[0])}" if spelled[0] else ""
        return f"{endpoint.address}{endpoint.prefix}/{path}{query}"

    def _parameters_for_url(
        self,
        key: str,
        given: Mapping[str, Any] | None,
        payer: str | None,
        download_as: str | None,
        *,
        signed: bool,
    ) -> dict[str, Any]:
        if signed and not key:
            raise NoUrlError(f"{self.where()}: a signed URL of the bucket itself would list its files.")
        if download_as and not signed:
            raise CannotKeepPromise(
                f"{self.where()}: S3 honours download_as in signed URLs alone, and these are not signed."
            )
        own = self._parameters_of(key, is_file=bool(key) and not key.endswith("/"))
        of_objects = _OF_OBJECTS if signed else _OF_OBJECTS[:1]  # nobody pays anonymously
        asked = {what: own[what] for what in of_objects if own.get(what)} if own else {}
        if signed and payer is not None:
            asked.setdefault("RequestPayer", payer)
        if given:
            asked.update(given)
        if download_as:
            asked[_DISPOSITION] = content_disposition_header(True, download_as)
        return asked

    def _signed_4(
        self,
        endpoint: Endpoint,
        path: str,
        spelled: _Spelled,
        credentials: sigv4.Credentials,
        seconds: int,
        method: str,
    ) -> str:
        when, valid = signing_time(datetime.now(UTC), seconds, self.url_window)
        return sigv4.sign_query(
            method,
            endpoint.address,
            f"{endpoint.prefix}/{path}",
            spelled[0],
            credentials,
            region=endpoint.region,
            service=endpoint.service,
            now=when,
            expires=valid,
            headers=spelled[1],
        )

    def _signed_2(
        self,
        endpoint: Endpoint,
        path: str,
        spelled: _Spelled,
        credentials: sigv4.Credentials,
        seconds: int,
        method: str,
    ) -> str:
        return sigv2.sign_query(
            method,
            endpoint.address,
            f"{endpoint.prefix}/{path}",
            spelled[0],
            credentials,
            resource=f"{endpoint.resource}/{path}",
            expires=expiry(datetime.now(UTC), seconds, self.url_window),
            headers=spelled[1],
        )

    def _url_of_sdk(
        self, key: str, parameters: dict[str, Any], seconds: int, method: str, *, signed: bool
    ) -> str:
        if self._signer().version != "s3":
            sigv4.check_validity(seconds)
        with self._sdk(key) as client:
            url: str = client.presigned(
                "get_object",
                self._path_of_bucket(),
                key,
                parameters,
                seconds,
                method,
                signed=signed,
                wait=self.seconds(),
            )
        return url


def _spelled(parameters: dict[str, Any]) -> _Spelled | None:
    """Return the query and the headers of a URL; None where the SDK has to spell them.

    Who pays is said in the query: a header no browser sends.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
    """
    found = query_and_headers("get_object", parameters)
    if found is None:
        return None
    query, headers = found
    payer = headers.pop("x-amz-request-payer", None)
    return ({**query, "x-amz-request-payer": payer} if payer else query), headers
