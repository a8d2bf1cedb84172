"""Hotkeys made by the wallet library of SDK 11, and signatures of both sides.

Input and output are those of `wallets.py`.
"""

import confined  # noqa: F401  (first)

import json
import sys

from bittensor import Wallet
from bittensor.sp_core import CRYPTO_ED25519, Keypair
from password_variables import password_variables


def make_hotkey(given, name):
    wallet = Wallet(name="interop", hotkey=name, path=given["folder"])
    # Without questions, and without words on the terminal.
    quietly = {"overwrite": True, "suppress": True}
    if name == "words":
        wallet.regenerate_hotkey(mnemonic=given["words"], **quietly)
    elif name == "seed":
        wallet.regenerate_hotkey(seed=given["seed"], **quietly)
    elif name == "private-key":
        wallet.regenerate_hotkey(private_key=given["privateKey"], **quietly)
    elif name == "uri":
        pair = Keypair.create_from_uri(given["uri"])
        wallet.hotkey_file.set_keypair(pair, encrypt=False, overwrite=True)
    elif name == "ed25519":
        wallet.create_new_hotkey(crypto_type=CRYPTO_ED25519, **quietly)
    elif name == "encrypted-saved":
        wallet.create_new_hotkey(hotkey_password=given["password"], save_hotkey_to_env=True, **quietly)
    else:
        wallet.create_new_hotkey(n_words=24 if name == "new-24" else 12, **quietly)
    keypair = wallet.hotkey
    return {
        "address": keypair.ss58_address,
        "publicKey": "0x" + bytes(keypair.public_key).hex(),
        "signature": "0x" + bytes(keypair.sign(given["message"].encode())).hex(),
    }


def make(given):
    return {
        "hotkeys": {name: make_hotkey(given, name) for name in given["hotkeys"]},
        "variables": password_variables(),
    }


def verify(given):
    def is_good(one):
        signature = bytes.fromhex(one["signature"].removeprefix("0x"))
        return Keypair(ss58_address=one["address"]).verify(one["message"].encode(), signature)

    return [is_good(one) for one in given["signatures"]]


def main():
    given = json.loads(sys.argv[1])
    print(json.dumps({"make": make, "verify": verify}[given["task"]](given)))


main()
