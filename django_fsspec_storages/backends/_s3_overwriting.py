"""One option under two names: the documented one of S3, and the one that every storage has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_fsspec_storages.options import Found, Option
from django_fsspec_storages.storage.options import CommonOptions

__all__ = ["S3Overwriting"]

_OTHER = {"file_overwrite": "allow_overwrite", "allow_overwrite": "file_overwrite"}


class _FileOverwrite(Option[bool]):
    """Says what ``allow_overwrite`` does, where a subclass has only that."""

    def __get__(self, instance: Any, owner: type[Any]) -> Any:
        alone = instance is not None and not isinstance(owner.allow_overwrite, Option)
        if alone and not instance.computes("allow_overwrite"):  # a property may ask for file_overwrite
            return instance.allow_overwrite
        return super().__get__(instance, owner)


class S3Overwriting(CommonOptions):
    """Keeps the two the same, whichever of them is given or assigned."""

    file_overwrite: Option[bool] = _FileOverwrite(
        "AWS_S3_FILE_OVERWRITE",
        default=True,
        type=bool,
        doc="Whether a save replaces a file of the same name; if not, the new file gets another name.",
    )
    allow_overwrite: Option[bool] = Option(
        default=lambda storage: storage.file_overwrite,
        type=bool,
        doc="Another name of `file_overwrite`.",
    )

    def configure(self, given: Mapping[str, Any]) -> None:
        """See :meth:`Configured.configure`."""
        super().configure(given)
        said = next((name for name in (*given, *vars(self)) if name in _OTHER), None)
        if said is not None and not given.keys() >= _OTHER.keys():
            self._bind(said)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _OTHER:
            self._bind(name)

    def _bind(self, name: str) -> None:
        if name in vars(self) and not self.computes(_OTHER[name]):
            self.__dict__[_OTHER[name]] = self.__dict__[name]

    def option_faults(self) -> list[str]:
        """See :meth:`Configured.option_faults`; also whether the two contradict each other."""
        faults = super().option_faults()
        one, other = map(self._own, _OTHER)
        if one is not None and other is not None and bool(one.value) != bool(other.value):
            faults.append(
                f"options 'file_overwrite', from {one.source}, and 'allow_overwrite', from {other.source}, are one and "
                "contradict each other"
            )
        return faults

    def _own(self, name: str) -> Found | None:
        """Return what OPTIONS or an attribute set an option to: they come before a setting, and contradict none."""
        found = None if self.computes(name) else self._set_option(name)
        return None if found is type(self).declared_options()[name].look_up() else found
