"""A project from a public template, switched by its import prefix alone, and driven from end to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers.environment import AWS_VARIABLES
from tests.servers.s3 import Bucket
from tests.support.processes import ROOT

WEEK = "max-age=604800, s-maxage=604800, must-revalidate"


@pytest.fixture
def bucket(s3_bucket: Callable[..., Bucket]) -> Bucket:
    """A bucket whose objects anybody may read, as the template has it."""
    made = s3_bucket("project", acls=True)
    everybody = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{made.name}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [everybody]}
    made.server.admin.put_bucket_policy(Bucket=made.name, Policy=json.dumps(policy))
    return made


def drive(bucket: Bucket, settings: str, folder: Path) -> dict[str, Any]:
    """Run the project, as it is deployed beside an emulator: the SDK's own variable says where S3 is."""
    environment = {name: value for name, value in os.environ.items() if not AWS_VARIABLES.fullmatch(name)}
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "default::DeprecationWarning"]
    ended = subprocess.run(
        [*command, "-m", "tests.backends.project"],
        cwd=ROOT,
        env={
            **environment,
            "DJANGO_SETTINGS_MODULE": f"tests.backends.project.{settings}",
            "PROJECT_DATABASE": str(folder / "project.sqlite3"),
            "DJANGO_AWS_ACCESS_KEY_ID": bucket.server.key,
            "DJANGO_AWS_SECRET_ACCESS_KEY": bucket.server.secret,
            "DJANGO_AWS_STORAGE_BUCKET_NAME": bucket.name,
            "AWS_ENDPOINT_URL_S3": bucket.server.endpoint,
            "AWS_DEFAULT_REGION": bucket.server.region,
            "AWS_CONFIG_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.parametrize(
    ("settings", "checks"),
    [
        # AWS_S3_MAX_MEMORY_SIZE has no effect; a class for uploads keeps static files
        ("production", ["fsspec_storages.W001", "fsspec_storages.W001", "fsspec_storages.W008"]),
        # a lambda is no class, so nobody can look at it
        ("production_2016", []),
    ],
)
def test_a_project_works_after_its_prefix_was_changed(
    bucket: Bucket, tmp_path: Path, settings: str, checks: list[str]
) -> None:
    found = drive(bucket, settings, tmp_path)
    assert found["checks"] == checks
    first, again = found["collected"]
    assert first.endswith(" static files copied.")
    assert again.startswith("0 static files copied, ")
    base = f"{bucket.server.endpoint}/{bucket.name}"
    for page, content in zip(found["pages"], ("first", "second"), strict=True):
        attachment, picture = page["names"]
        assert (page["status"], page["in the admin"]) == (302, True)
        assert page["size"] == [len(content), 30, 20]
        assert page["urls"][0] == f"{base}/static/project.css"
        assert page["urls"][2] == f"{base}/media/{picture}"
        style, file, image = page["fetched"]
        assert style == ["h1 { color: teal }\n", "text/css", WEEK]
        assert file == [content, "application/pdf", WEEK]
        assert image[1:] == ["image/png", WEEK]
        assert attachment.startswith("attachments/report_ü")
    assert found["pages"][0]["names"][0] == "attachments/report_ü.pdf"
    assert found["pages"][1]["names"][0] != "attachments/report_ü.pdf"
    assert found["removed"] == []
    kept = bucket.keys()
    assert kept
    assert all(key.startswith("static/") for key in kept)
    assert {"static/project.css", "static/admin/css/base.css"} <= set(kept)
    assert not (tmp_path / "staticfiles").exists()
