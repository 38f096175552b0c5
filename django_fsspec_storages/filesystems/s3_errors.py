"""What the errors of S3 mean, and what to grant or to set."""

from __future__ import annotations

import ssl
from typing import Any

from django_fsspec_storages.errors import Explained, NoContainerError

__all__ = ["FOREIGN", "RETRIED", "code_of", "explain", "is_untrusted", "status_of", "telling", "waited"]

#: What a request needs to be allowed to: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {
    "GetObject": "s3:GetObject (and s3:ListBucket on the bucket, without which what is missing looks forbidden)",
    "PutObject": "s3:PutObject (and s3:PutObjectAcl where an ACL is set, s3:PutObjectTagging where tags are)",
    "DeleteObject": "s3:DeleteObject (which no policy gives on an object that is locked)",
    "ListObjectsV2": "s3:ListBucket on the bucket",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads on the bucket",
    "CreateBucket": "s3:CreateBucket",
    "CopyObject": "s3:GetObject on the source and s3:PutObject on the target",
}
_SAME = {
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListObjects": "ListObjectsV2",
    "HeadBucket": "ListObjectsV2",
}

_EXPIRED = Explained(PermissionError, "the temporary credentials have expired or are not valid, get new ones")
_KEY = Explained(
    PermissionError, "the server does not know the access key, check AWS_S3_ACCESS_KEY_ID or access_key"
)
_REGION = Explained(
    OSError, "the bucket is in another region, set AWS_S3_REGION_NAME or region_name to the bucket's own"
)
_CREDENTIALS = Explained(
    PermissionError,
    "there are no credentials: set access_key and secret_key, give the machine a role, or set anonymous for a public "
    "bucket",
)

#: A success that names nothing of what was sent.
FOREIGN = Explained(OSError, "what was sent got a reply that is not S3's, check endpoint_url")

_SIGNATURE = Explained(
    OSError,
    "the SDK has no such signature, check signature_version; a Multi-Region Access Point wants s3v4a, which comes with "
    "pip install 'botocore[crt]'",
)

_PACKAGE = Explained(
    OSError,
    "the SDK lacks a package for what was asked: pip install 'botocore[crt]'; a ChecksumAlgorithm of CRC32, SHA1 or "
    "SHA256 does without",
)

#: So a HEAD is answered, which has no room for a reason.
_UNSAID = Explained(
    PermissionError,
    "this reply, a 400 without a word, does not say why: get new credentials if there is a token that may have "
    "expired, check AWS_S3_REGION_NAME or region_name, and the SSECustomerKey of an object that has one",
)

_CERTIFICATE = Explained(
    ConnectionError,
    "nobody that is trusted vouches for the server's certificate: set AWS_S3_VERIFY or verify to your CA's file",
)

#: By the code in the reply, or by the name of the SDK's class where the request was never sent.
_KNOWN: dict[str, Explained] = {
    "NoSuchBucket": Explained(
        NoContainerError, "there is no such bucket, check AWS_STORAGE_BUCKET_NAME or bucket_name"
    ),
    "InvalidAccessKeyId": _KEY,
    "SignatureDoesNotMatch": Explained(
        PermissionError,
        "the signature does not fit: check the secret key, and that no proxy on the way changes the host",
    ),
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "RequestTimeTooSkewed": Explained(
        PermissionError, "the clock of this machine is more than 15 minutes off the server's, set it"
    ),
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "InvalidObjectState": Explained(PermissionError, "the object is archived, restore it first"),
    "AccessControlListNotSupported": Explained(
        PermissionError, "the bucket takes no ACLs, leave AWS_DEFAULT_ACL and default_acl unset"
    ),
    "ProxyConnectionError": Explained(
        ConnectionError,
        "the proxy cannot be reached or refuses, check AWS_S3_PROXIES or proxies, and HTTP_PROXY and HTTPS_PROXY",
    ),
    "SlowDown": Explained(ConnectionError, "SlowDown, the server asks for fewer requests"),
    "UnknownSignatureVersionError": _SIGNATURE,
    "UnsupportedSignatureVersionError": _SIGNATURE,
    "MissingDependencyException": _PACKAGE,
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "ParamValidationError": Explained(
        OSError, "the SDK refuses a parameter, check AWS_S3_OBJECT_PARAMETERS and the bucket's name"
    ),
    "ProfileNotFound": Explained(
        PermissionError,
        "there is no such profile in the AWS configuration files, check session_profile and AWS_PROFILE",
    ),
    "TokenRetrievalError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "CredentialRetrievalError": _CREDENTIALS,
    "NotImplemented": Explained(
        OSError,
        "the server does not know a part of the request; if that is the condition, set exclusive_create=False",
    ),
    "NoSuchUpload": Explained(
        OSError, "the upload was aborted meanwhile, by a lifecycle rule of the bucket or by a clean-up"
    ),
}

#: What became of a connection, by the names of the SDK's classes and of those of its HTTP client.
_BROKEN = frozenset(
    {
        *("HTTPClientError", "ClientPayloadError", "ClientConnectionError", "IncompleteReadError"),
        *("ResponseStreamingError", "ResponseParserError", "HttpProcessingError"),
    }
)

#: How much of a server's own words is shown, in characters.
_SENTENCE = 200

#: Replies after which the same request may succeed: two conditional writes met.
RETRIED = frozenset({"ConditionalRequestConflict", "OperationAborted"})


def code_of(error: BaseException) -> str:
    """Return the code in the server's reply; of an error without a reply, the name of its class."""
    response: Any = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code) if code is not None else type(error).__name__


def status_of(error: BaseException) -> int:
    """Return the HTTP status of the server's reply; 0 without one."""
    response: Any = getattr(error, "response", None)
    status = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    )
    return status if isinstance(status, int) else 0


def _sentence_of(error: BaseException) -> str:
    """Return a colon and what the server's reply says in words, if it does."""
    response: Any = getattr(error, "response", None) or {}
    said = " ".join(str(response.get("Error", {}).get("Message") or "").split()).rstrip(".")
    return f": {said[:_SENTENCE]}" if said else ""


def telling(error: Any, kind: type[OSError], advice: str) -> Any:
    """Return an error with what :func:`explain` shall say of it."""
    error.explained = Explained(kind, advice)
    return error


def waited(error: Any, seconds: float | None) -> Any:
    """Return an error of time with how long it took."""
    return telling(
        error, TimeoutError, f"nothing moved for {seconds} s, see connect_timeout and read_timeout"
    )


def explain(error: BaseException) -> Explained | type[OSError] | None:
    """Return the built-in class for an error of botocore's, and what to do. See :meth:`Contract.explain`."""
    told = getattr(error, "explained", None)
    if isinstance(told, Explained):
        return told
    # s3fs and our primitives have raised it anew
    if isinstance(error, OSError) and error.__cause__ is not None:
        return explain(error.__cause__)
    known = _CERTIFICATE if is_untrusted(error) else _KNOWN.get(code_of(error))
    if known is not None:
        return known
    status = status_of(error)
    if status in (301, 307):
        return _REGION
    if code_of(error) in RETRIED or code_of(error) == "PreconditionFailed":
        return FileExistsError
    if status == 403:
        return _forbidden(error)
    silent = code_of(error).isdigit()
    if status == 400:
        said = f"the server says {code_of(error)}{_sentence_of(error)}"
        return _UNSAID if silent else Explained(OSError, said)
    if status == 200 and code_of(error) == type(error).__name__:  # so older SDKs say what is no success
        return FOREIGN
    if (
        status >= 500 or status == 200
    ) and not silent:  # in a 200, where it fails after it has begun to answer
        return Explained(ConnectionError, f"it says {code_of(error)}")
    if status == 0 and any(cls.__name__ in _BROKEN for cls in type(error).__mro__):
        return _of_a_connection(error)
    return None


def is_untrusted(error: BaseException) -> bool:
    """Tell whether an error is that nobody who is trusted vouches for the server's certificate."""
    return any(cls.__name__ == "ClientConnectorCertificateError" for cls in type(_inner(error)).__mro__)


def _inner(error: BaseException) -> Any:
    """Return the HTTP client's error that one of the SDK's stands for, if it does."""
    return getattr(error, "kwargs", {}).get("error")


def _forbidden(error: BaseException) -> Explained | type[OSError]:
    operation = str(getattr(error, "operation_name", ""))
    action = _ACTIONS.get(_SAME.get(operation, operation))
    if action is None:
        return PermissionError
    unsaid = (
        ", or check the keys and the clock: this reply does not say why" if code_of(error) == "403" else ""
    )
    return Explained(PermissionError, f"grant {action}{unsaid}")


def _of_a_connection(error: BaseException) -> Explained | type[OSError] | None:
    if isinstance(_inner(error), (FileNotFoundError, IsADirectoryError, PermissionError, ssl.SSLError)):
        said = f"no connection is made ({type(_inner(error)).__name__}): can the file of verify or client_cert be read?"
        return Explained(ConnectionError, said)
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {"ReadTimeoutError", "ConnectTimeoutError", "TimeoutError"}:
        return TimeoutError
    return None if "ConnectionError" in names else Explained(ConnectionError, "the connection broke off")
