"""What tests of the wire share: certificates made on the spot."""

import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.regulations import RULEBOOKS, publish_default
from tests.desk import MONDAY

ServerTls = Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]


@pytest.fixture
def tls_for(tmp_path: Path) -> ServerTls:
    """For a host's name: the TLS of its server, and the trust of a client that knows its certificate."""

    def made(host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        _write_certificate(host, certificate, key)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        return server, ssl.create_default_context(cafile=str(certificate))

    return made


def _write_certificate(host: str, certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture
async def regulation(database: None) -> AsyncIterator[None]:
    """The default regulation, published; for tests that deliver what the verbs left."""
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()
