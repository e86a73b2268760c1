"""The certificates and keys of a deployment: who the server is, and which nodes may join.

ca.crt, ca.key            the federation's own certificate authority; the key stays with the server
server.pem, server.key    the server's certificate, for the names by which nodes reach it
keys/<client>[.pub]       a node's key pair: P-384 in OpenSSH's format, the only one that Flower takes
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import TypeAdapter, ValidationError

from fedarm.config_base import Name
from fedarm.errors import ConfigError
from fedarm.paths import atomic_dir, make_folder

CA = "ca.crt"
CA_KEY = "ca.key"
SERVER = "server.pem"
SERVER_KEY = "server.key"
KEYS = "keys"

# Clocks of sites differ.
_SKEW = timedelta(hours=1)
_PRIVATE = 0o600
_MOST_DAYS = 3650
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def make_authority(folder: Path, *, days: float) -> None:
    """Write a certificate authority for this federation alone.

    Args:
        folder: Where to.
        days: How long it holds.
    """
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fedarm federation")])
    certificate = (
        _certificate(name, name, key.public_key(), days=days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA384())
    )
    _write_private(folder / CA_KEY, _pem(key))
    (folder / CA).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def make_server(folder: Path, names: Sequence[str], *, days: float) -> None:
    """Write the server's certificate, signed by the authority in the same folder.

    Args:
        folder: Where the authority is.
        names: Host names and addresses by which nodes reach the server, at least one.
        days: How long it holds.

    Raises:
        ConfigError: A name is none of a host.
    """
    issuer = load_certificate(folder / CA)
    issuer_key = serialization.load_pem_private_key((folder / CA_KEY).read_bytes(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP384R1())
    # Clients look at the alternative names alone, and a common name may have 64 bytes at most.
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fedarm server")])
    certificate = (
        _certificate(subject, issuer.subject, key.public_key(), days=days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(list(map(_alternative, names))), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA384())
    )
    _write_private(folder / SERVER_KEY, _pem(key))
    (folder / SERVER).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def make_node_key(file: Path) -> None:
    """Write a node's key pair: `file` and, for the server, `file` with `.pub` added."""
    key = ec.generate_private_key(ec.SECP384R1())
    make_folder(file.parent)
    _write_private(
        file,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        ),
    )
    file.with_name(f"{file.name}.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
    )


def load_certificate(file: Path) -> x509.Certificate:
    """Return a certificate that holds now.

    Raises:
        ConfigError: It is missing, broken, or not valid at this time.
    """
    remedy = "make new ones with `fedarm site init`, and give ca.crt to every site"
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"not a certificate: {error}", file=file, remedy=remedy) from None
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    now = datetime.now(UTC)
    if now > end:
        raise ConfigError(
            "the certificate has expired",
            file=file,
            key="valid until",
            value=end.isoformat(),
            remedy=remedy,
        )
    if now < begin:
        raise ConfigError(
            "the certificate is not valid yet",
            file=file,
            key="valid from",
            value=begin.isoformat(),
            remedy="set this machine's clock",
        )
    return certificate


def check_node_key(file: Path) -> None:
    """Refuse a key that Flower would not take; its own refusal does not name the reason.

    Raises:
        ConfigError: It is missing, or not a P-384 key in OpenSSH's format.
    """
    remedy = "make one: ssh-keygen -t ecdsa -b 384 -N '' -f FILE"
    try:
        key = serialization.load_ssh_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"not a node's key in OpenSSH's format: {error}", file=file, remedy=remedy
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP384R1):
        raise ConfigError("a node's key must be of the curve P-384", file=file, remedy=remedy)


def make_deployment(
    folder: Path, *, names: Sequence[str], clients: Sequence[str], days: float
) -> None:
    """Write all that a federation's server needs, and a key pair for each client.

    Args:
        folder: Where to; written whole or not at all.
        names: Host names and addresses by which nodes reach the server, at least one.
        clients: The clients' names.
        days: How long the certificates hold.

    Raises:
        ConfigError: The folder is not empty: what is in it may be in use. Or a name or the time cannot
            be that of a certificate or of a client.
        ResultsError: It cannot be written.
    """
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise ConfigError(
            "the folder is not empty, and keys in use are not written over",
            file=folder,
            remedy="choose a new folder",
        )
    if not 0 < days <= _MOST_DAYS:
        raise ConfigError(
            "certificates cannot hold so long",
            key="days",
            value=days,
            remedy=f"give between 0 and {_MOST_DAYS}",
        )
    if len(set(clients)) < len(clients):
        raise ConfigError(
            "two clients cannot have one name", key="client", value=list(clients), remedy="drop one"
        )
    for client in clients:
        _check_client(client)
    with atomic_dir(folder) as temporary:
        make_authority(temporary, days=days)
        make_server(temporary, names, days=days)
        for client in clients:
            make_node_key(temporary / KEYS / client)


def _check_client(name: str) -> None:
    """Refuse a name that no configuration can give a client; it also becomes that of a file."""
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        raise ConfigError(
            "not a name of a client",
            key="client",
            value=name,
            remedy="give the client's name in the configuration: a-z, 0-9 and _, a letter first",
        ) from None


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: float
) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), end) - _SKEW)
        .not_valid_after(end)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _HOST.fullmatch(name):
            raise ConfigError(
                "not a host's name or address",
                key="host",
                value=name,
                remedy="give it without a port, by which nodes reach the server: fed.example.org",
            ) from None
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_private(file: Path, content: bytes) -> None:
    file.touch(mode=_PRIVATE)
    file.chmod(_PRIVATE)
    file.write_bytes(content)
