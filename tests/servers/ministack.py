"""MiniStack: verifies signatures, expiry, policies and conditional writes, as AWS does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.s3 import Keys, S3Server
from tests.servers.venvs import python_with

__all__ = ["EVERYTHING", "MiniStack", "allow"]

REQUIREMENTS = Path(__file__).with_name("ministack.txt")
VERSION = "1.5.33"

#: Its own ``main`` with a socket that is already bound.
_SCRIPT = """
import asyncio
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
config = Config()
config.bind = [f"fd://{sys.argv[1]}"]
config.keep_alive_timeout = 3600
config.loglevel = "WARNING"
asyncio.run(serve(app, config))
"""

#: The root key is not checked, so tests never sign with it.
_ROOT = Keys("rootkey", "rootsecret")


def allow(*actions: str, resources: str | Sequence[str] = "*", **more: Any) -> dict[str, Any]:
    """Return a statement of a policy; ``more`` may hold ``Condition`` or ``Effect="Deny"``."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resources, **more}


EVERYTHING = allow("s3:*")


class MiniStack(S3Server):
    """An account of its own in memory. Like AWS: buckets have no ACLs and block public access until told otherwise."""

    def __init__(self) -> None:
        super().__init__(python_with(REQUIREMENTS, f"ministack-{VERSION}"), _SCRIPT)

    def _variables(self) -> dict[str, str]:
        return {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": _ROOT.key,
            "AWS_SECRET_ACCESS_KEY": _ROOT.secret,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            # What would listen on ports of its own, or touch this machine's containers.
            "DOCKER_HOST": "unix:///nonexistent",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def start(self, path: str = "/_ministack/ready") -> None:
        """Start the server and make the user that may do everything."""
        super().start(path)
        self._clients["iam"] = self.client("iam", keys=_ROOT)
        self.keys = self.user(EVERYTHING)
        self._clients.pop("s3").close()
        self._clients["s3"] = self.client()

    def user(self, *statements: Mapping[str, Any]) -> Keys:
        """Make an IAM user who may do what the statements say, and nothing without any; return its keys."""
        iam, name = self._clients["iam"], f"user-{uuid.uuid4().hex[:12]}"
        iam.create_user(UserName=name)
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName=name, PolicyName="tests", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(made["AccessKeyId"], made["SecretAccessKey"])
