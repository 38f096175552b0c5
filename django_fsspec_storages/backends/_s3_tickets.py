"""Signed permissions to upload one object to S3, past this server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from django_fsspec_storages.backends._s3_signing import Signer
from django_fsspec_storages.backends._s3_ticket_names import S3TicketNames
from django_fsspec_storages.errors import CannotKeepPromise
from django_fsspec_storages.filesystems.transfers import Metadata
from django_fsspec_storages.signing import sigv4
from django_fsspec_storages.signing.post import Condition, post_policy, sign_post
from django_fsspec_storages.signing.s3_endpoints import Endpoint
from django_fsspec_storages.signing.s3_parameters import query_and_headers
from django_fsspec_storages.signing.tickets import UploadTicket

__all__ = ["S3Tickets"]

#: What S3 takes in a form; the rest it would ignore without a word.
#: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
_IN_FORMS = frozenset(
    {
        *("ACL", "BucketKeyEnabled", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentType"),
        *("Expires", "Metadata", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"),
        *("SSEKMSEncryptionContext", "SSEKMSKeyId", "ServerSideEncryption", "StorageClass", "Tagging"),
        "WebsiteRedirectLocation",
    }
)

#: What a project may have among its parameters that is for reading, or for the SDK.
_NOT_OF_UPLOADS = ("VersionId", "Checksum", "ExpectedSourceBucketOwner")


class S3Tickets(S3TicketNames):
    """Gives them."""

    def upload_ticket(
        self,
        name: str,
        *,
        method: Literal["POST", "PUT"] = "POST",
        content_type: str | None = None,
        min_size: int = 0,
        max_size: int | None = None,
        expire: float | timedelta | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> UploadTicket:
        """Return a signed permission to upload one object; S3 refuses whatever else is sent with it.

        The name is cleaned and confined as in ``save``. Where overwriting is off, it is one that nobody else gets: a
        form's always has random characters, a PUT's is signed with ``If-None-Match: *``; but a project's own
        ``get_available_name`` has the last word, as in ``save``. Nothing is compressed. Where ``object_parameters``
        hold a customer's key (SSE-C), the ticket holds it too.

        :param method: ``"POST"`` for a form, ``"PUT"`` for the bare file, whose size can only be one or any.
        :param content_type: of the object, guessed from the name unless given; for a form also ``"image/*"``.
        :param min_size: in bytes.
        :param max_size: in bytes; for a PUT only together with the same ``min_size``.
        :param expire: seconds, ``querystring_expire`` unless given; seven days at most.
        :param metadata: kept with the object, by name; ASCII.
        :raises ValueError: if the method cannot keep such a condition, or it cannot be valid for so long.
        :raises SuspiciousFileOperation: if the name would leave the location, or cannot be stored.
        :raises PermissionError: if there is no key to sign with.
        """
        if method not in ("POST", "PUT"):
            raise ValueError(f"An upload is a POST or a PUT, not {method!r}.")
        if min_size < 0 or (max_size is not None and max_size < min_size):
            raise ValueError(f"An upload cannot be from {min_size} to {max_size} bytes long.")
        self.require_options()
        seconds = self._seconds_valid(expire)
        sigv4.check_validity(seconds)
        self.credentials()  # without which there is no use in asking a server for a free name
        name, exclusive = self._name_for_ticket(name, method)
        key = self._normalize_name(name)
        parameters = Metadata(
            {
                what: _as_time(value) if what == "Expires" else value
                for what, value in self._get_write_parameters(key).items()
                if not what.startswith(_NOT_OF_UPLOADS)
            }
        )
        parameters["ContentType"] = content_type or parameters.get("ContentType") or self.default_content_type
        if metadata:
            parameters["Metadata"] = {**(parameters.get("Metadata") or {}), **metadata}
        if exclusive:
            parameters["IfNoneMatch"] = "*"
        if method == "PUT":
            return self._put_ticket(name, key, parameters, (min_size, max_size), seconds)
        return self._post_ticket(name, key, parameters, (min_size, max_size), seconds)

    def _put_ticket(
        self, name: str, key: str, parameters: dict[str, Any], sizes: tuple[int, int | None], seconds: int
    ) -> UploadTicket:
        smallest, largest = sizes
        if parameters["ContentType"].endswith("*"):
            raise CannotKeepPromise("A PUT is signed for one content type; 'image/*' is for a POST.")
        if largest is not None and largest == smallest:
            parameters["ContentLength"] = largest
        elif smallest or largest is not None:
            raise CannotKeepPromise("A PUT is signed for one size or for any; a range is for a POST.")
        headers, now, signer = self._spelled(parameters), datetime.now(UTC), self._signer()
        endpoint = self._endpoint_of_tickets(signer)
        if endpoint is None:
            with self._sdk(name) as client:
                bucket, wait = self._path_of_bucket(), self.seconds()
                url = client.presigned("put_object", bucket, key, parameters, seconds, "PUT", wait=wait)
        else:
            url = sigv4.sign_query(
                "PUT",
                endpoint.address,
                f"{endpoint.prefix}/{sigv4.quote_key(key)}",
                {},
                self._credentials(signer),
                region=endpoint.region,
                service=endpoint.service,
                now=now,
                expires=seconds,
                headers=headers,
            )
        return UploadTicket(name, url, "PUT", headers, {}, now + timedelta(seconds=seconds))

    def _post_ticket(
        self, name: str, key: str, parameters: dict[str, Any], sizes: tuple[int, int | None], seconds: int
    ) -> UploadTicket:
        if self._path_of_bucket().startswith("arn:") or "${filename}" in key:
            raise CannotKeepPromise(
                f"{self.where()}: S3 takes no form through an access point, nor for a name with '${{filename}}', where "
                "it would put the name of the user's file: use method='PUT'."
            )
        if lost := sorted(parameters.keys() - _IN_FORMS):
            raise CannotKeepPromise(
                f"{self.where()}: S3 takes no {', '.join(lost)} in a form: use method='PUT', or leave them out for "
                "this name in get_object_parameters."
            )
        content_type = parameters.pop("ContentType")
        tags, acl = parameters.pop("Tagging", None), parameters.pop("ACL", None)
        fixed = self._spelled(parameters) | ({"acl": acl} if acl else {})
        fixed |= {"tagging": _tagging(tags)} if tags else {}
        fields, conditions = post_policy(
            content_type=content_type, min_size=sizes[0], max_size=sizes[1], fixed=fixed
        )
        now = datetime.now(UTC)
        url, fields = self._signed_post(key, fields, conditions, now, seconds)
        return UploadTicket(name, url, "POST", {}, fields, now + timedelta(seconds=seconds))

    def _signed_post(
        self, key: str, fields: dict[str, str], conditions: list[Condition], now: datetime, seconds: int
    ) -> tuple[str, dict[str, str]]:
        signer = self._signer()
        endpoint = self._endpoint_of_tickets(signer)
        if endpoint is None:
            with self._sdk(key) as client:
                form: tuple[str, dict[str, str]] = client.presigned_post(
                    self._path_of_bucket(), key, fields, conditions, seconds, wait=self.seconds()
                )
            return form
        signed = sign_post(
            self._path_of_bucket(),
            key,
            fields,
            conditions,
            self._credentials(signer),
            region=endpoint.region,
            now=now,
            expires=seconds,
        )
        return endpoint.address + (endpoint.prefix or "/"), signed

    def _endpoint_of_tickets(self, signer: Signer) -> Endpoint | None:
        endpoint = self._endpoint(signer)
        if endpoint is None and not str(signer.version).startswith("s3v4"):
            raise CannotKeepPromise(
                f"{self.where()}: tickets are signed with SigV4, and here the SDK would sign with "
                f"{signer.version!r}, which signs neither size nor conditions: set endpoint_url and region_name, or "
                "leave signature_version out."
            )
        return endpoint

    def _spelled(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers that parameters of PutObject are.

        :raises ValueError: names those that cannot be signed.
        """
        spelled = query_and_headers("put_object", parameters)
        if spelled is None:
            wrong = [what for what, value in parameters.items() if _is_unknown(what, value)]
            raise CannotKeepPromise(
                f"{self.where()}: a ticket cannot have these parameters: {', '.join(wrong)}. Metadata is ASCII, with "
                "names of letters, digits, '-', '_' and '.'."
            )
        return spelled[1]


def _is_unknown(what: str, value: Any) -> bool:
    return query_and_headers("put_object", {what: value}) is None


def _as_time(value: Any) -> Any:
    """Return a time that is text, as ``AWS_HEADERS`` have it, or naive, as one that can be signed."""
    if isinstance(value, str):
        try:
            value = parsedate_to_datetime(value)
        except ValueError:
            return value
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _tagging(query: str) -> str:
    """Return tags, which requests have as a query, as the XML that a form has them in."""
    tags = "".join(
        f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>"
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    return f"<Tagging><TagSet>{tags}</TagSet></Tagging>"
