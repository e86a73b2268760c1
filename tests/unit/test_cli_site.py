"""`fedarm site`: what it makes, and what it refuses before any process is started."""

import socket
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from fedarm import cli
from fedarm.errors import DataError
from fedarm.federated.certificates import (
    check_node_key,
    load_certificate,
    make_authority,
    make_deployment,
)
from fedarm.federated.superlink import prepare_site


@pytest.fixture
def run(capsys):
    """Run the command in this process; return its exit code, its output and its messages."""

    def call(*arguments):
        code = cli.main(["site", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def ended(capsys, *arguments):
    """Return the exit code and the messages of a command that argparse ends."""
    with pytest.raises(SystemExit) as exit_:
        cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return exit_.value.code, captured.out + captured.err


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("init", ("--host", "--client", "--days", "DIR")),
        ("serve", ("--listen", "--port", "DIR")),
        ("join", ("--server", "--ca", "--key", "--client", "--dataset", "--start", "--cache")),
    ],
)
def test_help_names_what_a_command_takes(capsys, command, options):
    code, said = ended(capsys, "site", command, "--help")
    assert code == 0
    assert [option for option in options if option not in said] == []
    assert f"usage: fedarm site {command}" in said
    assert command in ended(capsys, "site", "--help")[1]
    assert "site" in ended(capsys, "--help")[1]


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from fedarm.cli import main\n"
        "try: main(['site', 'init', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'numpy', 'pydantic', 'flwr', 'torch', 'cryptography'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_init_makes_certificates_and_a_key_for_each_client(run, tmp_path):
    folder = tmp_path / "deployment"
    long = f"{'a' * 60}.example.org"
    hosts = ("--host", long, "--host", "127.0.0.1")
    code, out, _ = run("init", folder, *hosts, "--client", "left", "--client", "right")
    assert (code, str(folder) in out) == (0, True)
    server = load_certificate(folder / "server.pem")
    server.verify_directly_issued_by(load_certificate(folder / "ca.crt"))
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [long]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    secrets = [folder / "ca.key", folder / "server.key"]
    for client in ("left", "right"):
        key = folder / "keys" / client
        check_node_key(key)
        secret = serialization.load_ssh_private_key(key.read_bytes(), password=None)
        public = serialization.load_ssh_public_key(key.with_suffix(".pub").read_bytes())
        assert secret.public_key() == public
        secrets.append(key)
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        (("--host", "fed.example.org:8200"), "host", "'fed.example.org:8200'"),
        (("--host", ""), "host", "''"),
        (("--host", "fed", "--client", "../left"), "client", "'../left'"),
        (("--host", "fed", "--client", "left", "--client", "left"), "client", "['left', 'left']"),
        (("--host", "fed", "--days", "0"), "days", "0.0"),
        (("--host", "fed", "--days", "nan"), "days", "nan"),
        (("--host", "fed", "--days", "1e9"), "days", "1000000000.0"),
    ],
)
def test_init_refuses_what_cannot_be_and_writes_nothing(run, tmp_path, arguments, key, value):
    code, out, messages = run("init", tmp_path / "deployment", *arguments)
    assert (code, out) == (2, "")
    assert f"key:    {key}\n" in messages
    assert f"value:  {value}\n" in messages
    assert "remedy: " in messages
    assert list(tmp_path.iterdir()) == []


def test_init_writes_over_nothing(run, tmp_path):
    (tmp_path / "ca.key").write_text("in use")
    for taken in (tmp_path, tmp_path / "ca.key"):
        code, _, messages = run("init", taken, "--host", "fed")
        assert code == 2
        assert f"file:   {taken}\n" in messages
    assert [path.name for path in tmp_path.iterdir()] == ["ca.key"]
    assert (tmp_path / "ca.key").read_text() == "in use"


@pytest.mark.parametrize(
    "arguments",
    [
        ("init",),
        ("init", "deployment"),
        ("init", "deployment", "--host", "fed", "--days", "long"),
        ("serve", "deployment", "--port", "http"),
        ("join", "--server", "fed:8200"),
        ("leave",),
        (),
    ],
)
def test_wrong_arguments_end_with_2(capsys, arguments):
    code, said = ended(capsys, "site", *arguments)
    assert code == 2
    assert "usage: fedarm site" in said


def deployed(folder):
    make_deployment(folder, names=["127.0.0.1"], clients=["left"], days=1)
    return folder


def test_serve_refuses_an_expired_certificate_and_a_port_in_use(run, tmp_path):
    code, _, messages = run("serve", tmp_path)
    assert code == 2
    assert f"file:   {tmp_path / 'ca.crt'}\n" in messages

    make_authority(deployed(tmp_path / "old"), days=-1)
    code, _, messages = run("serve", tmp_path / "old")
    assert code == 2
    assert "the certificate has expired" in messages

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, messages = run(
            "serve", deployed(tmp_path / "new"), "--listen", "127.0.0.1", "--port", port
        )
    assert code == 2
    assert f"value:  '127.0.0.1:{port}'" in messages


def join(folder, dataset, **changes):
    options = {
        "server": "127.0.0.1:1",
        "ca": folder / "ca.crt",
        "key": folder / "keys" / "left",
        "client": "left",
        "dataset": dataset,
        "start": folder,
        **changes,
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def test_join_refuses_a_wrong_key_and_missing_files(run, tmp_path):
    folder = deployed(tmp_path / "deployment")
    for changes, missing in (
        ({"key": folder / "ca.key"}, folder / "ca.key"),
        ({"ca": tmp_path / "nowhere"}, tmp_path / "nowhere"),
        ({"start": tmp_path / "nowhere"}, tmp_path / "nowhere"),
        ({}, tmp_path / "data"),
    ):
        code, _, messages = run("join", *join(folder, tmp_path / "data", **changes))
        assert code == 2, changes
        assert f"file:   {missing}\n" in messages
    assert [path.name for path in tmp_path.iterdir()] == ["deployment"]


def test_join_stops_before_a_dataset_with_defects(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError):
        prepare_site(
            client="left", dataset=tmp_path / "data", cache=tmp_path / "cache", image_size=64
        )
    assert not (tmp_path / "cache").exists()
