"""The development chain's own calls, and the keys that it knows."""

import json
import urllib.request
from typing import Any

from bittensor_wallet import Keypair


def key(uri: str) -> Keypair:
    return Keypair.create_from_uri(uri)


def call(url: str, method: str, *params: object) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as response:
        answer = json.load(response)
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]


def register(url: str, keypair: Keypair) -> None:
    """Makes a validator of a key, unless it is one."""
    neurons = call(url, "devnet_state")["neurons"]
    if any(neuron["hotkey"] == keypair.ss58_address for neuron in neurons):
        return
    call(url, "devnet_register", keypair.ss58_address, {"stakeTao": 50_000, "permit": True})
