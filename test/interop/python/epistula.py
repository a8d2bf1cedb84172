"""The sender's side of Epistula v2: the headers of a signed request."""

import hashlib
import math
import time
import uuid

from bittensor_wallet import Keypair


def unix_ms(offset_ms: int = 0) -> int:
    """The time by a clock that is `offset_ms` ahead of this machine's."""
    return round(time.time() * 1000) + offset_ms


def _signature(keypair: Keypair, message: str) -> str:
    return "0x" + keypair.sign(message.encode()).hex()


def signed_headers(
    keypair: Keypair,
    receiver: str,
    body: bytes,
    timestamp_ms: int,
    body_digest: str | None = None,
) -> dict[str, str]:
    """
    Headers of a request for `receiver`. `body_digest` stands in for the body's own SHA-256 where a test wants a
    signature that does not belong to the body.
    """
    digest = body_digest or hashlib.sha256(body).hexdigest()
    request_id = str(uuid.uuid4())
    # A float, as validators have it: the signed text ends in ".0".
    interval = math.ceil(timestamp_ms / 10_000) * 1e4
    headers = {
        "Epistula-Version": "2",
        "Epistula-Timestamp": str(timestamp_ms),
        "Epistula-Uuid": request_id,
        "Epistula-Signed-By": keypair.ss58_address,
        "Epistula-Signed-For": receiver,
        "Epistula-Request-Signature": _signature(keypair, f"{digest}.{request_id}.{timestamp_ms}.{receiver}"),
    }
    for index, moment in enumerate((interval - 1, interval, interval + 1)):
        headers[f"Epistula-Secret-Signature-{index}"] = _signature(keypair, f"{moment}.{receiver}")
    return headers
