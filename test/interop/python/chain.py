"""The SDK's own clients of the chain, talking to the node that they are told of.

Input: home, endpoint, netuid, hotkey (registered), stranger (not), version, axons: [{ip, port}], serve: [{uri, ip, port}], one
to announce through each of the two clients.
Output: what each client says, by `sync` and `async`.
"""

import confined  # noqa: F401  (first)

import asyncio
import json
import sys

import bittensor
from bittensor.core.async_subtensor import AsyncSubtensor
from bittensor.core.axon import Axon
from bittensor.core.subtensor import Subtensor
from bittensor.utils import networking
from bittensor_wallet import Keypair, Wallet


def plain(value):
    """What a query gives: in some versions a value, in others an object around it."""
    return getattr(value, "value", value)


def serve_axon_params(given, ip, port):
    """What `serve_extrinsic` hands to the chain for an axon, with the version of the SDK that validators pin."""
    return {
        "version": given["version"],
        "ip": networking.ip_to_int(ip),
        "port": port,
        "ip_type": networking.ip_version(ip),
        "netuid": given["netuid"],
        "protocol": 4,
        "placeholder1": 0,
        "placeholder2": 0,
    }


def own_axon(given, index):
    """An axon of a development key, with a wallet in the temporary home; it is announced, and never listens."""
    wanted = given["serve"][index]
    wallet = Wallet(name=f"development-{index}", hotkey="default", path=f"{given['home']}/wallets")
    pair = Keypair.create_from_uri(wanted["uri"])
    wallet.set_hotkey(pair, encrypt=False, overwrite=True)
    wallet.set_coldkeypub(pair, encrypt=False, overwrite=True)
    # With an external address: otherwise the SDK asks the internet for it.
    return Axon(
        wallet=wallet,
        ip="127.0.0.1",
        port=8091,
        external_ip=wanted["ip"],
        external_port=wanted["port"],
    )


def describe(block, registered, uid, stored, neuron, metagraph, calls, served):
    axons = {
        "neuron": neuron.axon_info,
        "metagraph": metagraph.axons[metagraph.hotkeys.index(neuron.hotkey)],
    }
    return {
        "block": block,
        "registered": registered,
        "uid": uid,
        "stored": stored,
        "axons": {
            name: {"ip": one.ip, "port": one.port, "serving": one.is_serving} for name, one in axons.items()
        },
        "hotkeys": metagraph.hotkeys,
        "stakes": [float(stake) for stake in metagraph.S],
        "permits": [bool(permit) for permit in metagraph.validator_permit],
        "calls": calls,
        "served": bool(served[0] if isinstance(served, tuple) else served),
    }


def ask(given):
    netuid, hotkey = given["netuid"], given["hotkey"]
    subtensor = Subtensor(network=given["endpoint"])
    try:
        calls = [
            subtensor.substrate.compose_call(
                "SubtensorModule", "serve_axon", serve_axon_params(given, **axon)
            ).data.to_hex()
            for axon in given["axons"]
        ]
        return describe(
            subtensor.get_current_block(),
            [subtensor.is_hotkey_registered(one, netuid) for one in (hotkey, given["stranger"])],
            [subtensor.get_uid_for_hotkey_on_subnet(one, netuid) for one in (hotkey, given["stranger"])],
            plain(subtensor.query_subtensor("Axons", params=[netuid, hotkey])),
            subtensor.get_neuron_for_pubkey_and_subnet(hotkey, netuid),
            subtensor.metagraph(netuid, lite=True),
            calls,
            subtensor.serve_axon(netuid, own_axon(given, 0)),
        )
    finally:
        subtensor.close()


async def ask_async(given):
    netuid, hotkey = given["netuid"], given["hotkey"]
    async with AsyncSubtensor(network=given["endpoint"]) as subtensor:
        calls = []
        for axon in given["axons"]:
            call = await subtensor.substrate.compose_call(
                "SubtensorModule", "serve_axon", serve_axon_params(given, **axon)
            )
            calls.append(call.data.to_hex())
        return describe(
            await subtensor.get_current_block(),
            [await subtensor.is_hotkey_registered(one, netuid) for one in (hotkey, given["stranger"])],
            [await subtensor.get_uid_for_hotkey_on_subnet(one, netuid) for one in (hotkey, given["stranger"])],
            plain(await subtensor.query_subtensor("Axons", params=[netuid, hotkey])),
            await subtensor.get_neuron_for_pubkey_and_subnet(hotkey, netuid),
            await subtensor.metagraph(netuid, lite=True),
            calls,
            await subtensor.serve_axon(netuid, own_axon(given, 1)),
        )


def main():
    given = json.loads(sys.argv[1])
    answer = {
        "sdk": bittensor.__version__,
        "sync": ask(given),
        "async": asyncio.run(ask_async(given)),
    }
    print(json.dumps(answer))


main()
