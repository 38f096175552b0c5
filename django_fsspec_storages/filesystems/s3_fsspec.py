"""s3fs's own interface, on the primitives of the contract: what its calls take beside fsspec's."""

from __future__ import annotations

import mimetypes
from typing import IO, Any, Self

from botocore.exceptions import BotoCoreError, ParamValidationError
from fsspec.callbacks import DEFAULT_CALLBACK, Callback
from s3fs import S3FileSystem as _S3FileSystem

from django_fsspec_storages.filesystems.coroutines import MendedCoroutines, with_blocking_calls
from django_fsspec_storages.filesystems.mending import Mended
from django_fsspec_storages.filesystems.s3_client import at_home
from django_fsspec_storages.filesystems.transfers import Metadata

__all__ = ["S3Interface"]


@with_blocking_calls
class S3Interface(MendedCoroutines, _S3FileSystem):  # type: ignore[misc]
    """s3fs, on the primitives of the contract."""

    def with_parameters(self, parameters: Any) -> Self:
        """Return this filesystem, with other parameters for its requests."""
        raise NotImplementedError

    def open(
        self,
        path: str,
        mode: str = "rb",
        *arguments: Any,
        acl: str | None = None,
        version_id: str | None = None,
        requester_pays: bool | None = None,
        **options: Any,
    ) -> IO[Any]:
        """Open a file, as s3fs does.

        :param acl: of what is written.
        :param version_id: which version to read.
        :param requester_pays: whether the one who asks pays, if not as with the other requests.
        :param options: also parameters of the requests, by their names in the SDK: a customer's key, metadata.
        """
        source, path = self._version_of(path, version_id) if "r" in mode else (self, path)
        if requester_pays is not None:
            options["RequestPayer"] = "requester" if requester_pays else None
        options = Metadata(options)  # here and below: a debug page shows every frame
        named = [name for name in options if name[:1].isupper()] if "r" in mode else []
        if named:
            merged = Metadata(source.s3_additional_kwargs | {name: options.pop(name) for name in named})
            source = source.with_parameters(
                Metadata({name: value for name, value in merged.items() if value is not None})
            )
        if acl:
            options["ACL"] = acl
        return Mended.open(source, path, mode, *arguments, **options)

    def _version_of(self, path: str, version: str | None) -> tuple[Self, str]:
        """Return where to read a path, and the path itself; its version is a parameter of the requests."""
        path = self._strip_protocol(path)
        if version and not self.version_aware:
            raise ValueError("version_id cannot be specified if the filesystem is not version aware")
        if not version and self.version_aware:
            bucket, key, version = self.split_path(path)
            path = f"{bucket}/{key}" if version else path
        if not version:
            return self, path
        return self.with_parameters(self.s3_additional_kwargs | {"VersionId": version}), path

    def _metadata_of(self, lpath: str, options: dict[str, Any]) -> dict[str, Any]:
        options.setdefault("ContentType", mimetypes.guess_type(lpath)[0] or "application/octet-stream")
        return options

    async def _cat_file(  # type: ignore[override]  # the order is s3fs's
        self,
        path: str,
        version_id: str | None = None,
        start: int | None = None,
        end: int | None = None,
        **options: Any,
    ) -> bytes:
        source, path = self._version_of(path, version_id)
        return await MendedCoroutines._cat_file(source, path, start, end)

    async def _get_file(
        self,
        rpath: str,
        lpath: str,
        callback: Callback = DEFAULT_CALLBACK,
        version_id: str | None = None,
        **options: Any,
    ) -> None:
        source, rpath = self._version_of(rpath, version_id)
        await MendedCoroutines._get_file(source, rpath, lpath, callback)

    async def _call_s3(self, method: str, *parameters: Any, **more: Any) -> Any:
        path = "/".join(str(more[name]) for name in ("Bucket", "Key") if name in more)
        return await self._of_s3fs(path, _S3FileSystem._call_s3, method, *parameters, **more)

    async def _lsdir(self, path: str, *arguments: Any, **options: Any) -> Any:
        return await self._of_s3fs(path, _S3FileSystem._lsdir, path, *arguments, **options)

    async def _of_s3fs(self, path: str, function: Any, *arguments: Any, **options: Any) -> Any:
        """Await one of s3fs's requests, which turns the server's refusals into errors of Python's, and no others."""

        async def call() -> Any:
            return await function(self, *arguments, **options)

        try:
            return await at_home(call)
        except BotoCoreError as error:
            ours = None if isinstance(error, ParamValidationError) else self.translator(path)(error)
            if ours is None:
                raise
            raise ours from error

    def _get_s3_method_kwargs(self, method: Any, *parameters: Any, **more: Any) -> Any:
        # A copy has two objects, and the source's key in parameters of its own. Older s3fs lets others pay for it.
        ours = self.s3_additional_kwargs.items()
        source = {f"CopySource{name}": value for name, value in ours if name.startswith("SSECustomer")}
        return Metadata(super()._get_s3_method_kwargs(method, self.req_kw | source, *parameters, **more))
