"""What a protocol needs installed, and the command that installs it. Nothing is imported to tell."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["how_to_install", "missing_package"]

#: What protocols need whose class is not in the package that it needs, by its import name.
NEEDS = {
    **dict.fromkeys(("http", "https"), "aiohttp"),
    **dict.fromkeys(("sftp", "ssh"), "sshfs"),
    **dict.fromkeys(("github", "jupyter", "jlab", "webhdfs"), "requests"),
    **dict.fromkeys(("hdfs", "arrow_hdfs"), "pyarrow"),
    "smb": "smbclient",
    "git": "pygit2",
    "libarchive": "libarchive",
}

#: The extra of ours that installs what a protocol needs.
EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "abfs": "azure",
    "az": "azure",
    "adl": "azure",
    "ssh": "sftp",
    "sftp": "sftp",
    "dropbox": "dropbox",
}

#: What is not called on the package index as it is imported.
DISTRIBUTIONS = {"libarchive": "libarchive-c", "smbclient": "smbprotocol"}


def missing_package(protocol: str) -> str | None:
    """Return the package that a protocol lacks, by its import name; None if it is there, or fsspec knows of none."""
    from fsspec.registry import known_implementations

    if protocol not in known_implementations:
        return None
    package = NEEDS.get(protocol) or str(known_implementations[protocol]["class"]).partition(".")[0]
    return package if find_spec(package) is None else None


def how_to_install(protocol: str, package: str) -> str:
    """Return the command that installs a package for a protocol."""
    if protocol in EXTRAS:
        return f"pip install 'django-fsspec-storages[{EXTRAS[protocol]}]'"
    return f"pip install {DISTRIBUTIONS.get(package, package)}"
