"""What each operation of a storage does, once for both colours."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation

from django_fsspec_storages import names
from django_fsspec_storages.errors import NoContainerError
from django_fsspec_storages.filesystems.base import Contract, primitive
from django_fsspec_storages.filesystems.driver import CallersStep, Step
from django_fsspec_storages.filesystems.transfers import Download, Facts, Metadata
from django_fsspec_storages.filesystems.uploads import send
from django_fsspec_storages.storage.running import Watch
from django_fsspec_storages.storage.source import Source

if TYPE_CHECKING:
    from django_fsspec_storages.storage.core import FsspecStorage

__all__ = ["begin_read", "delete", "exists", "listdir", "save", "size", "time"]

logger = logging.getLogger("django_fsspec_storages")

#: After so many names were taken by others while we tried them, something else is wrong.
MOST_ATTEMPTS = 100


async def _inspect(filesystem: Contract, path: str) -> Facts:
    facts: Facts = await Step(primitive(filesystem, "inspect"), path)
    return facts


async def begin_read(
    storage: FsspecStorage, name: str, start: int = 0, length: int | None = None
) -> Download:
    """Open a download."""
    if start < 0 or (length is not None and length < 0):
        raise ValueError(f"start and length count bytes and cannot be negative: {start}, {length}.")
    filesystem, path = storage.place(name, of_file=True)
    download: Download = await Step(primitive(filesystem, "begin_read"), path, start, length)
    return download


async def save(storage: FsspecStorage, name: str, content: Any, max_length: int | None, watch: Watch) -> str:
    """Write the content under a free name, or over the old one; return the name."""
    exclusive = not storage.allow_overwrite
    source = Source(content, again=exclusive)
    try:
        while True:
            name = names.clean(name)
            filesystem, path = storage.place(name, of_file=True)
            metadata = Metadata.of(storage.object_metadata(name, content))
            try:
                watch.bytes = await send(
                    filesystem, path, source.pieces(), exclusive=exclusive, metadata=metadata
                )
            except FileExistsError as error:
                if not exclusive or error is source.error or watch.attempts >= MOST_ATTEMPTS:
                    raise
            else:
                return name
            name, exclusive = await _another_name(storage, name, max_length)
            watch.attempts += 1
    finally:
        source.close()


async def _another_name(storage: FsspecStorage, name: str, max_length: int | None) -> tuple[str, bool]:
    """Ask for another name after a conflict. A project that insists on the taken one means to overwrite it."""
    another = str(await CallersStep(storage.another_name, name, max_length))
    insists = names.clean(another) == name and storage.overrides("get_available_name")
    if insists:
        logger.debug("%s: get_available_name insists on %r: overwriting", storage.where(), name)
    return another, not insists


async def delete(storage: FsspecStorage, name: str) -> None:
    """Remove a file or an empty folder, if it is there."""
    if not name:
        raise ValueError("The name must be given to delete().")
    filesystem, path = storage.place(name, of_file=True)
    try:
        await Step(primitive(filesystem, "remove"), path)
    except NoContainerError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        return


async def exists(storage: FsspecStorage, name: str) -> bool:
    """Ask for the object itself; for the location, whether it can be listed."""
    is_location = not names.clean(name)
    filesystem, path = storage.place(name, of_file=not is_location)
    if filesystem.has_folders or not is_location:
        try:
            await _inspect(filesystem, path)
        except (FileNotFoundError, NotADirectoryError):
            if filesystem.has_folders or not storage.finds_prefixes:
                return False
        else:
            return True
    return await Step(filesystem.scan(path, "/", details=False).page) is not None or is_location


async def listdir(storage: FsspecStorage, path: str) -> tuple[list[str], list[str]]:
    """List one folder; placeholders of folders are left out, and what no name of this storage's leads to."""
    folders: list[str] = []
    files: list[str] = []
    filesystem, folder = storage.place(path)
    cleaned = names.clean(path)
    scan = filesystem.scan(folder, "/", details=False)
    while (page := await Step(scan.page)) is not None:
        for facts in page:
            name = facts.path.rpartition("/")[2]
            if name and _is_reachable(names.join(cleaned, name)):
                (folders if facts.type == "directory" else files).append(name)
    return folders, files


def _is_reachable(name: str) -> bool:
    """Tell whether a name comes back identical from the policy: whoever descended into ``.`` would never end."""
    try:
        return names.clean(name) == name
    except SuspiciousFileOperation:
        return False


async def size(storage: FsspecStorage, name: str) -> int:
    """Ask for the size, as stored."""
    facts = await _inspect(*storage.place(name, of_file=True))
    if facts.size is None and facts.type == "directory":
        raise IsADirectoryError(errno.EISDIR, "A folder has no size", name)
    if facts.size is None:
        raise NotImplementedError(f"{storage.where()}: the filesystem does not tell sizes.")
    return facts.size


_TIMES: dict[str, Callable[[Facts], datetime | None]] = {
    "modified": lambda facts: facts.modified,
    "created": lambda facts: facts.created,
    "accessed": lambda facts: facts.accessed,
}


async def time(storage: FsspecStorage, name: str, which: str) -> datetime:
    """Ask for one of the times."""
    found = _TIMES[which](await _inspect(*storage.place(name, of_file=True)))
    if found is None:
        raise NotImplementedError(f"{storage.where()}: the filesystem does not tell when files were {which}.")
    return found if settings.USE_TZ else found.astimezone().replace(tzinfo=None)
