"""A passkey that knows nothing of the emulator, and the codes of an authenticator app."""

import base64
import hashlib
import hmac
import json
import secrets
import urllib.parse

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Passkey:
    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.id = secrets.token_bytes(16)
        self.key = ec.generate_private_key(ec.SECP256R1())

    def client_data(self, kind: str, started: dict) -> bytes:
        challenge = json.loads(started["options"])["publicKey"]["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def head(self, flags: int) -> bytes:
        host = urllib.parse.urlsplit(self.origin).hostname
        return hashlib.sha256(host.encode()).digest() + bytes([flags, 0, 0, 0, 0])

    def answer(self, **response: bytes) -> str:
        members = {name: base64url(data) for name, data in response.items()}
        return json.dumps({"id": base64url(self.id), "rawId": base64url(self.id), "type": "public-key", "response": members})

    def create(self, started: dict) -> str:
        """Answers the start of a registration."""
        point = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (point.x, point.y))
        key = bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y
        data = self.head(0x45) + bytes(16) + bytes([0, len(self.id)]) + self.id + key
        # {"fmt": "none", "attStmt": {}, "authData": data}
        head = bytes.fromhex("a363666d74646e6f6e656761747453746d74a068617574684461746158")
        attestation = head + bytes([len(data)]) + data
        return self.answer(clientDataJSON=self.client_data("webauthn.create", started), attestationObject=attestation)

    def get(self, started: dict) -> str:
        """Answers the start of a sign-in."""
        told, data = self.client_data("webauthn.get", started), self.head(0x05)
        signature = self.key.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(SHA256()))
        return self.answer(clientDataJSON=told, authenticatorData=data, signature=signature)


def totp(key: str, now: int) -> str:
    """The code that an app with this key shows (RFC 6238: six digits, every 30 seconds)."""
    digest = hmac.digest(base64.b32decode(key + "=" * (-len(key) % 8)), (now // 30).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start:start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"
