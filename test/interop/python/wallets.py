"""Hotkeys made by the SDK's own wallet library, and signatures of both sides.

With `make`: folder, hotkeys (the names of those to make), password, message, words, seed, json ([text, password] of an
exported key), privateKey, uri. Output: address, public key and signature of the message of each hotkey, and the BT_PW_
variables that the library has set.
With `verify`: signatures, a list of {address, message, signature}. Output: whether each is good.
"""

import confined  # noqa: F401  (first)

import json
import sys

from bittensor_wallet import Wallet
from password_variables import password_variables

try:
    from bittensor_wallet import Keypair
except ImportError:  # version 1 took it from elsewhere
    from substrateinterface import Keypair

CRYPTO_ED25519 = 0


def make_hotkey(given, name):
    wallet = Wallet(name="interop", hotkey=name, path=given["folder"])
    # Without questions, and without words on the terminal.
    quietly = {"use_password": False, "overwrite": True, "suppress": True}
    if name == "words":
        wallet.regenerate_hotkey(mnemonic=given["words"], **quietly)
    elif name == "seed":
        wallet.regenerate_hotkey(seed=given["seed"], **quietly)
    elif name == "json":
        wallet.regenerate_hotkey(json=tuple(given["json"]), **quietly)
    elif name == "private-key":
        keypair = Keypair.create_from_private_key(given["privateKey"])
        wallet.set_hotkey(keypair, encrypt=False, overwrite=True)
    elif name == "uri":
        wallet.set_hotkey(Keypair.create_from_uri(given["uri"]), encrypt=False, overwrite=True)
    elif name == "ed25519":
        wallet.create_new_hotkey(n_words=12, crypto_type=CRYPTO_ED25519, **quietly)
    else:
        wallet.create_new_hotkey(n_words=24 if name == "new-24" else 12, **quietly)
    keypair = wallet.hotkey
    if name.startswith("encrypted"):
        wallet.hotkey_file.encrypt(given["password"])
    if name == "encrypted-saved":
        wallet.hotkey_file.save_password_to_env(given["password"])
    return {
        "address": keypair.ss58_address,
        "publicKey": "0x" + bytes(keypair.public_key).hex(),
        "signature": "0x" + bytes(keypair.sign(given["message"])).hex(),
    }


def make(given):
    return {
        "hotkeys": {name: make_hotkey(given, name) for name in given["hotkeys"]},
        "variables": password_variables(),
    }


def verify(given):
    def is_good(one):
        return Keypair(ss58_address=one["address"]).verify(one["message"], one["signature"])

    return [is_good(one) for one in given["signatures"]]


def main():
    given = json.loads(sys.argv[1])
    print(json.dumps({"make": make, "verify": verify}[given["task"]](given)))


main()
