"""Write what is derived from the ``Option`` declarations: the tables of the manual, and the TypedDicts of OPTIONS.

python docs/generate.py           write them
python docs/generate.py --check   exit 1, and name them, if any is not current
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from django.conf import settings  # noqa: E402

if not settings.configured:
    settings.configure()

from django_fsspec_storages import FsspecStorage  # noqa: E402
from django_fsspec_storages.backends._s3_kinds import Idle  # noqa: E402
from django_fsspec_storages.backends.ftp import FTPStorage  # noqa: E402
from django_fsspec_storages.backends.s3 import S3Storage  # noqa: E402
from django_fsspec_storages.backends.sftpstorage import SFTPStorage  # noqa: E402
from django_fsspec_storages.options import Configured, Option  # noqa: E402
from django_fsspec_storages.static import FsspecStaticStorage  # noqa: E402

Storage = type[Configured]

#: Page below ``docs/_generated`` -> the class whose options it lists, without those that are as in the second class.
TABLES: dict[str, tuple[Storage, Storage | None]] = {
    "options.md": (FsspecStorage, None),
    "static-options.md": (FsspecStaticStorage, FsspecStorage),
    "s3-options.md": (S3Storage, FsspecStorage),
    "sftp-options.md": (SFTPStorage, FsspecStorage),
    "ftp-options.md": (FTPStorage, FsspecStorage),
}

#: Page below ``docs/_generated`` -> the class whose former settings and keywords it lists.
FORMER: dict[str, Storage] = {"legacy-settings.md": S3Storage}

#: Module -> the class whose OPTIONS the TypedDict between its two marks describes, and the TypedDict's name.
TYPED_DICTS: dict[str, tuple[Storage, str]] = {
    "django_fsspec_storages/storage/options.py": (FsspecStorage, "FsspecOptions"),
    "django_fsspec_storages/backends/_s3_typed.py": (S3Storage, "S3StorageOptions"),
    "django_fsspec_storages/backends/_sftp_typed.py": (SFTPStorage, "SFTPStorageOptions"),
    "django_fsspec_storages/backends/_ftp_typed.py": (FTPStorage, "FTPStorageOptions"),
}

BEGIN, END = "# <generated>\n", "# </generated>\n"


def options_of(cls: Storage) -> list[Option[object]]:
    """Return the options in the order of their declaration, those that every storage has first."""
    return list(cls.declared_options().values())


def annotation(cls: Storage, option: Option[object]) -> str:
    """Return the type of a value as it is written in the class: ``T`` of ``Option[T]``."""
    home = next(base for base in cls.__mro__ if option.name in vars(base))
    written = str(home.__annotations__.get(option.name, ""))
    found = re.fullmatch(r"Option\[(.*)\]", written, re.DOTALL)
    if found:
        return found[1]
    return " | ".join([*(kind.__name__ for kind in option.types), "None"]) if option.types else "Any"


def table(cls: Storage, beside: Storage | None) -> str:
    """Return the manual's table of a class's options; only of those that differ from another class's."""
    known = options_of(beside) if beside is not None else []
    rows = [
        f"<!-- Written by docs/generate.py from the declarations of {cls.__name__}. -->",
        "| Key in `OPTIONS` | Type | Default | Settings | |",
        "|---|---|---|---|---|",
    ]
    for option in options_of(cls):
        if option in known:
            continue
        kind = annotation(cls, option).replace("_StrPromise", "lazy str")
        cells = [f"`{option.key}`", f"`{kind}`", default(option), sources(option), " ".join(remarks(option))]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def default(option: Option[object]) -> str:
    """Return the default in words; what is computed is told by the option's own sentence."""
    return "" if callable(option.default) or option.default is None else f"`{option.default!r}`"


def sources(option: Option[object]) -> str:
    """Return the settings, and whether the environment is asked too."""
    named = ", ".join(f"`{name}`" for name in option.names)
    return f"{named}, also in the environment" if named and option.env else named


def remarks(option: Option[object]) -> Iterator[str]:
    """Yield the sentences about an option."""
    yield option.doc
    if option.choices:
        yield f"One of {', '.join(f'`{choice!r}`' for choice in option.choices)}."
    if option.required:
        yield "**Required.**"
    if option.secret:
        yield "**Secret**: it is shown nowhere."
    if option.legacy:
        yield f"Old names: {', '.join(f'`{old.name}`' for old in option.legacy)}."


def former(cls: Storage) -> str:
    """Return the manual's table of a class's old names: what says the same today, or why nothing does."""
    today: dict[str, list[Option[object]]] = {}
    idle: dict[str, str] = {}
    for option in options_of(cls):
        for old in option.legacy:
            today.setdefault(f"`{old.name}{'=' * old.keyword}`", []).append(option)
        if isinstance(option, Idle):
            idle.update((f"`{name}`", f"no effect: {option.why}") for name in option.names)
    rows = [
        f"<!-- Written by docs/generate.py from the declarations of {cls.__name__}. -->",
        "| Old name | Setting today | Key in `OPTIONS` |",
        "|---|---|---|",
    ]
    for name in sorted(today.keys() | idle.keys()):
        found = today.get(name, [])
        settings = ", ".join(f"`{option.names[0]}`" for option in found) or idle[name]
        rows.append(f"| {name} | {settings} | {', '.join(f'`{option.key}`' for option in found)} |")
    return "\n".join(rows) + "\n"


def typed_dict(cls: Storage, name: str) -> str:
    """Return the source of the TypedDict of a class's OPTIONS."""
    lines = [
        f"class {name}(TypedDict, total=False):",
        f'    """Keys of ``OPTIONS`` for ``{cls.__name__}``."""',
        "",
    ]
    for option in options_of(cls):
        doc = textwrap.wrap(f'"""{option.doc.replace("`", "``")}"""', 106)
        lines += [f"    {option.key}: {annotation(cls, option)}", *(f"    {line}" for line in doc)]
    return "\n".join(lines) + "\n"


def generated() -> Iterator[tuple[Path, str]]:
    """Yield every file that is written here, or has a part that is, with what it should hold."""
    for page, classes in TABLES.items():
        yield ROOT / "docs" / "_generated" / page, table(*classes)
    for page, cls in FORMER.items():
        yield ROOT / "docs" / "_generated" / page, former(cls)
    for module, (cls, name) in TYPED_DICTS.items():
        path = ROOT / module
        before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            sys.exit(f"{path}: the marks {BEGIN.strip()} and {END.strip()} are missing.")
        yield path, f"{before}{BEGIN}{typed_dict(cls, name)}\n\n{END}{after}"


def main() -> None:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if anything is not current"
    )
    check = parser.parse_args().check
    stale = []
    for path, wanted in generated():
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
    if stale and check:
        sys.exit(f"Not current: {', '.join(stale)}. Run: python docs/generate.py")


if __name__ == "__main__":
    main()
