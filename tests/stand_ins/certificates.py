"""Certificates of an authority made for one test: a good one, and some that a client must refuse."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = timedelta(days=1)
_KEY_USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
_LOCALHOST = (x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1")))


class Certificate(NamedTuple):
    """A server's certificate with its key, in one PEM file."""

    path: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path)
        return context


class _Issuer(NamedTuple):
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def _named(name: str) -> _Issuer:
    common_name = x509.NameAttribute(x509.NameOID.COMMON_NAME, name)
    return _Issuer(x509.Name([common_name]), ec.generate_private_key(ec.SECP256R1()))


def _sign(
    subject: _Issuer, issuer: _Issuer, until: datetime, names: tuple[x509.GeneralName, ...] = ()
) -> bytes:
    """Sign a certificate: for a server where it has names, else an authority's own."""
    use = "digital_signature" if names else "key_cert_sign"
    uses = x509.KeyUsage(**{each: each == use for each in _KEY_USES})
    public, signer = subject.key.public_key(), issuer.key.public_key()
    made = x509.CertificateBuilder(
        issuer.name, subject.name, public, x509.random_serial_number(), until - 30 * _DAY, until
    )
    made = made.add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    made = made.add_extension(uses, critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer)
    made = made.add_extension(identifier, critical=False)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class Authority:
    """Issues certificates; `path` is what a client trusts, as SSL_CERT_FILE or `cafile`."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._issuer = directory, _named("the tests' authority")
        self.path = directory / "authority.pem"
        self.path.write_bytes(_sign(self._issuer, self._issuer, datetime.now(UTC) + _DAY))

    def client_context(self) -> ssl.SSLContext:
        """Give a context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=self.path)

    def good(self) -> Certificate:
        return self._issue("good", datetime.now(UTC) + _DAY, _LOCALHOST)

    def expired(self) -> Certificate:
        return self._issue("expired", datetime.now(UTC) - _DAY, _LOCALHOST)

    def for_another_host(self) -> Certificate:
        other = (x509.DNSName("fauna.example"),)
        return self._issue("another-host", datetime.now(UTC) + _DAY, other)

    def self_signed(self) -> Certificate:
        """Give a certificate that is good in all but its issuer."""
        itself = _named("localhost")
        signed = _sign(itself, itself, datetime.now(UTC) + _DAY, _LOCALHOST)
        return self._write("self-signed", signed + _pem(itself.key))

    def _issue(
        self, name: str, until: datetime, names: tuple[x509.GeneralName, ...]
    ) -> Certificate:
        subject = _named("server")
        signed = _sign(subject, self._issuer, until, names)
        return self._write(name, signed + _pem(subject.key))

    def _write(self, name: str, pem: bytes) -> Certificate:
        path = self._directory / f"{name}.pem"
        path.write_bytes(pem)
        return Certificate(path)
