"""The servers themselves: one that lets anything pass would show nothing."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from pathlib import Path

import botocore.session
import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.servers import venvs
from tests.servers.environment import without_aws
from tests.servers.ministack import allow
from tests.servers.names import resolving
from tests.servers.process import ServerProcess
from tests.servers.s3 import Keys
from tests.servers.sftp_filesystem import filesystem_on
from tests.servers.sshd import LOGIN, openssh, unavailable
from tests.support.fixtures import each_of
from tests.support.processes import running
from tests.support.waiting import at_once, until


def refusal(call, *arguments, **parameters) -> tuple[int, str]:
    """Return the status and the code of the error that a call must come to."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.fixture
def client(request):
    """Make clients that are closed at the end."""

    def make(server, **options):
        made = server.client(**options)
        request.addfinalizer(made.close)
        return made

    return make


server = each_of("ministack", "moto")


def test_a_wrong_secret_is_refused_and_the_right_one_is_not(ministack, s3_bucket, client):
    bucket = s3_bucket()
    wrong = client(ministack, keys=Keys(ministack.key, ministack.secret[::-1]))
    assert refusal(wrong.put_object, Bucket=bucket.name, Key="a", Body=b"x") == (403, "SignatureDoesNotMatch")
    unknown = client(ministack, keys=Keys("AKIAUNKNOWN000000000", "secret"))
    assert refusal(unknown.put_object, Bucket=bucket.name, Key="a", Body=b"x")[0] == 403
    assert bucket.keys() == []

    right = client(ministack)
    right.put_object(Bucket=bucket.name, Key="a", Body=b"x")
    assert bucket.get("a") == b"x"


def test_a_user_may_do_what_its_policy_says_and_no_more(ministack, s3_bucket, client):
    bucket = s3_bucket()
    bucket.put("a", b"x")
    arn = f"arn:aws:s3:::{bucket.name}/*"
    reader = client(ministack, keys=ministack.user(allow("s3:GetObject", resources=arn)))
    assert reader.get_object(Bucket=bucket.name, Key="a")["Body"].read() == b"x"
    assert refusal(reader.put_object, Bucket=bucket.name, Key="b") == (403, "AccessDenied")

    nobody = client(ministack, keys=ministack.user())
    assert refusal(nobody.get_object, Bucket=bucket.name, Key="a") == (403, "AccessDenied")


def test_a_conditional_put_is_refused_where_there_is_an_object(server, s3_bucket, client):
    bucket = s3_bucket(server=server)
    put = client(server).put_object
    put(Bucket=bucket.name, Key="a", Body=b"first", IfNoneMatch="*")
    assert refusal(put, Bucket=bucket.name, Key="a", Body=b"second", IfNoneMatch="*")[0] == 412
    assert bucket.get("a") == b"first"


def test_of_many_conditional_puts_at_once_one_wins(ministack, s3_bucket, client):
    bucket = s3_bucket()
    put = client(ministack, max_pool_connections=16).put_object
    results = at_once(16, lambda n: put(Bucket=bucket.name, Key="a", Body=b"%d" % n, IfNoneMatch="*"))
    assert {type(result) for result in results} == {dict, ClientError}
    winners = [n for n, result in enumerate(results) if isinstance(result, dict)]
    assert len(winners) == 1
    assert bucket.get("a") == b"%d" % winners[0]


def test_a_signed_url_opens_what_it_was_signed_for_alone(ministack, s3_bucket, client):
    bucket = s3_bucket()
    bucket.put("a", b"x")
    bucket.put("b", b"y")
    url = client(ministack).generate_presigned_url(
        "get_object", Params={"Bucket": bucket.name, "Key": "a"}, ExpiresIn=600
    )
    with urllib3.PoolManager() as web:
        assert web.request("GET", url).data == b"x"
        assert web.request("GET", url.replace("/a?", "/b?")).status == 403
        assert web.request("GET", f"{ministack.endpoint}/{bucket.name}/a").status == 403


def test_a_post_policy_is_checked(ministack, s3_bucket, client):
    bucket = s3_bucket()
    ticket = client(ministack).generate_presigned_post(
        bucket.name, "in/a.txt", Conditions=[["content-length-range", 0, 4]], ExpiresIn=600
    )

    def post(content: bytes, **changes: str) -> int:
        fields = {**ticket["fields"], **changes, "file": ("a.txt", content)}
        with urllib3.PoolManager() as web:
            return web.request("POST", ticket["url"], fields=fields).status

    assert post(b"12345") == 400
    assert post(b"1234", key="elsewhere.txt") == 403
    assert post(b"1234", **{"x-amz-signature": "0" * 64}) == 403
    assert bucket.keys() == []
    assert post(b"1234") == 204
    assert bucket.get("in/a.txt") == b"1234"


def test_a_bucket_can_stand_in_the_name_of_the_host(server, s3_bucket, client, localhost_names):
    bucket = s3_bucket(server=server)
    virtual = client(server, endpoint=server.virtual_endpoint, s3={"addressing_style": "virtual"})
    url = virtual.generate_presigned_url("get_object", Params={"Bucket": bucket.name, "Key": "a"})
    assert url.startswith(f"http://{bucket.name}.localhost:{server.port}/a?")
    virtual.put_object(Bucket=bucket.name, Key="a", Body=b"x")
    assert bucket.get("a") == b"x"
    with urllib3.PoolManager() as web:
        assert web.request("GET", url).data == b"x"


def test_a_signature_of_another_host_name_is_refused(ministack, s3_bucket, client, localhost_names):
    bucket, other = s3_bucket(), s3_bucket()
    other.put("a", b"x")
    virtual = client(ministack, endpoint=ministack.virtual_endpoint, s3={"addressing_style": "virtual"})
    url = virtual.generate_presigned_url("get_object", Params={"Bucket": bucket.name, "Key": "a"})
    with urllib3.PoolManager() as web:
        assert web.request("GET", url.replace(bucket.name, other.name)).status == 403


def test_names_can_lead_to_a_server_on_any_port(ministack, s3_bucket, client):
    bucket = s3_bucket(region="eu-central-1")

    def away(region):
        endpoint = f"http://s3.{region}.amazonaws.com"
        return client(ministack, endpoint=endpoint, region=region, s3={"addressing_style": "virtual"})

    assert "%2Feu-central-1%2Fs3%2F" in away("eu-central-1").generate_presigned_url("list_buckets")
    with resolving(".amazonaws.com", port=ministack.port):
        wrong = refusal(away("us-east-1").put_object, Bucket=bucket.name, Key="a", Body=b"y")
        away("eu-central-1").put_object(Bucket=bucket.name, Key="a", Body=b"x")
    assert wrong == (301, "PermanentRedirect")
    assert bucket.get("a") == b"x"


def test_buckets_have_acls_where_asked_for(ministack, s3_bucket):
    closed, open_ = s3_bucket(), s3_bucket(acls=True)
    assert refusal(closed.put, "a", b"x", ACL="public-read")[0] == 400
    open_.put("a", b"x", ACL="public-read")
    open_.put("b", b"y")
    with urllib3.PoolManager() as web:
        assert web.request("GET", f"{ministack.endpoint}/{open_.name}/a").data == b"x"
        assert web.request("GET", f"{ministack.endpoint}/{open_.name}/b").status == 403


def test_moto_keeps_acls(moto, s3_bucket):
    bucket = s3_bucket(server=moto, acls=True)
    bucket.put("a", b"x", ACL="public-read")
    grants = moto.admin.get_object_acl(Bucket=bucket.name, Key="a")["Grants"]
    assert [
        grant["Permission"] for grant in grants if grant["Grantee"].get("URI", "").endswith("/AllUsers")
    ] == ["READ"]


def test_a_bucket_is_dropped_with_all_that_is_in_it(server):
    bucket = server.bucket("full", versioning=True, object_lock=server.key != "testing")
    for content in (b"1", b"2"):
        bucket.put("a", content)
    server.admin.delete_object(Bucket=bucket.name, Key="a")
    server.admin.create_multipart_upload(Bucket=bucket.name, Key="b")
    assert bucket.uploads() == ["b"]
    assert bucket.head("a") is None
    bucket.drop()
    assert refusal(bucket.keys)[0] == 404


def test_names_of_buckets_are_never_the_same(ministack, s3_bucket):
    assert s3_bucket("media").name.startswith("media-")
    assert s3_bucket("media").name != s3_bucket("media").name


def test_a_server_that_cannot_start_is_an_error_that_says_why():
    server = ServerProcess(sys.executable, "raise SystemExit('no such luck')")
    with pytest.raises(RuntimeError, match="no such luck"):
        server.start()
    server.stop()


def test_a_server_sees_nothing_of_our_environment_that_an_sdk_reads(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none")
    monkeypatch.setenv("http_proxy", "http://elsewhere.example")
    script = """
import json, socket
listening = socket.socket(fileno=int(sys.argv[1]))
while True:
    with listening.accept()[0] as connection:
        connection.recv(65536)
        body = json.dumps(dict(os.environ)).encode()
        connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
"""
    with ServerProcess(sys.executable, script) as server:
        connection = http.client.HTTPConnection(server.address, timeout=120)
        connection.request("GET", "/")
        seen = json.loads(connection.getresponse().read())
        connection.close()
    assert not Path(seen["HOME"]).exists(), "it is gone with the server"
    assert "PATH" in seen
    assert not {name for name in seen if "AWS" in name or "BUNDLE" in name or "proxy" in name}


def test_our_own_sdks_see_nothing_of_the_machine(monkeypatch, tmp_path):
    keys = "\naws_access_key_id = a\naws_secret_access_key = b\n"
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(f"[profile work]{keys}")
    (tmp_path / ".aws" / "credentials").write_text(f"[default]{keys}")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/none")
    assert botocore.session.Session().get_credentials().access_key == "a"
    with without_aws():
        session = botocore.session.Session()
        assert session.get_credentials() is None
        assert session.available_profiles == []
        assert session.get_config_variable("ca_bundle") is None
    assert os.environ["AWS_PROFILE"] == "work"


def test_a_server_ends_with_the_process_that_started_it_however_that_ends():
    script = """
import sys
from tests.servers.process import ServerProcess
serving = '''
import socket
listening = socket.socket(fileno=int(sys.argv[1]))
while True:
    with listening.accept()[0] as connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.0 204 No Content\\\\r\\\\n\\\\r\\\\n")
'''
server = ServerProcess(sys.executable, serving)
server.start()
print("started", flush=True)
print(server.pid, flush=True)
print(server._home, flush=True)
sys.stdin.read()
"""
    with running(script) as process:
        pid, home = int(process.stdout.readline()), Path(process.stdout.readline().strip())
        assert home.is_dir()
        os.kill(pid, 0)
        process.send_signal(signal.SIGKILL)
    until(lambda: not alive(pid))
    assert not home.exists()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter if it goes while it is read
        return False


def test_an_environment_is_made_once_and_a_broken_one_again(monkeypatch, tmp_path):
    monkeypatch.setenv(venvs.VARIABLE, str(tmp_path / "servers"))
    made = []
    run = venvs._run
    monkeypatch.setattr(venvs, "_run", lambda *command: made.append(command) or run(*command))
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("# Nothing.\n")

    first, second = at_once(2, lambda _: venvs.python_with(wanted, "empty"))
    assert first == second
    assert isinstance(first, Path)
    assert len(made) == 2, "one environment, one installation"

    (first.parents[1] / "made-from.txt").unlink()  # as if it had been interrupted
    (first.parents[1] / "stray").touch()
    assert venvs.python_with(wanted, "empty") == first
    assert len(made) == 4
    assert not (first.parents[1] / "stray").exists()
    assert venvs.python_with(wanted, "empty") == first
    assert len(made) == 4


@pytest.fixture
def sshd():
    with openssh() as server:
        yield server


def test_an_sshd_lets_one_key_in_and_nobody_out_of_its_folder(sshd, sftp_server):
    with pytest.raises(PermissionError, match="refuses the login"):
        filesystem_on(sshd, client_keys=[sftp_server.key()]).inspect("/")
    fs, folder = filesystem_on(sshd), sshd.folder("open")
    fs.pipe_file("/open/a", b"content")
    assert (folder / "a").owner() == LOGIN
    assert [facts.path for page in fs.scan("/", "/") for facts in page] == ["/open"]
    with pytest.raises(PermissionError):
        fs.pipe_file("/a", b"content")


def test_an_sshd_ends_with_all_that_it_has_started(sshd):
    fs, folder = filesystem_on(sshd), sshd.folder("open")
    fs.pipe_file("/open/a", b"content")
    before = sshd.processes()
    assert len(before) > len(sshd.sessions()) > 1
    sshd.restart()
    assert [pid for pid in before if alive(pid)] == []
    assert (folder / "a").read_bytes() == fs.cat_file("/open/a") == b"content"
    last = sshd.processes()
    sshd.stop()
    assert [pid for pid in last if alive(pid)] == []
    assert not folder.exists()


def test_an_sshd_that_cannot_be_started_is_no_error(monkeypatch):
    if sys.platform != "linux":
        pytest.skip("there it never can")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda *arguments, **options: "/usr/sbin/sshd")
    assert "only root" in unavailable()
    monkeypatch.setattr("shutil.which", lambda *arguments, **options: None)
    assert "not installed" in unavailable()
