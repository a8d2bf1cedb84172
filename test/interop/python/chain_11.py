"""The clients of the chain in SDK 11, talking to the node that they are told of.

Input and output are those of `chain.py`, with what SDK 11 alone reads under `subnet`.
"""

import confined  # noqa: F401  (first)

import asyncio
import inspect
import ipaddress
import json
import sys

import bittensor
from bittensor.sp_core import Keypair


def key_wallet(given, index):
    """A development key, with a wallet in the temporary home."""
    wallet = bittensor.Wallet(f"development-{index}", path=f"{given['home']}/wallets")
    pair = Keypair.create_from_uri(given["serve"][index]["uri"])
    wallet.hotkey_file.set_keypair(pair, encrypt=False, overwrite=True)
    wallet.coldkeypub_file.set_keypair(pair, encrypt=False, overwrite=True)
    return wallet


async def settled(value):
    """What a method gives: of the blocking client the value, of the other one a promise of it."""
    return await value if inspect.isawaitable(value) else value


def serve_axon_call(given, ip, port):
    return bittensor.calls.SubtensorModule.serve_axon(
        netuid=given["netuid"],
        version=given["version"],
        ip=int(ipaddress.ip_address(ip)),
        port=port,
        ip_type=4,
        protocol=4,
        placeholder1=0,
        placeholder2=0,
    )


def endpoint(ip, port):
    return {"ip": str(ipaddress.ip_address(ip)), "port": int(port), "serving": int(port) != 0}


async def ask(client, given, index):
    netuid, hotkey, stranger = given["netuid"], given["hotkey"], given["stranger"]
    block = client.block
    neurons = await settled(client.neurons.all(netuid))
    neuron = next(one for one in neurons if one.hotkey == hotkey)
    metagraph = await settled(client.subnets.metagraph(netuid))
    listed = next(one for one in metagraph.neurons if one.hotkey == hotkey)
    validator = metagraph.neurons[0]
    composed = [
        await settled(client.compose(serve_axon_call(given, **axon))) for axon in given["axons"]
    ]
    wanted = given["serve"][index]
    serve = bittensor.ServeAxon(netuid=netuid, ip=wanted["ip"], port=wanted["port"])
    served = await settled(client.execute(serve, key_wallet(given, index)))
    memberships = [await settled(client.neurons.netuids_for_hotkey(one)) for one in (hotkey, stranger)]
    return {
        "block": await settled(block() if callable(block) else block),
        "registered": [netuid in netuids for netuids in memberships],
        "uid": [await settled(client.neurons.uid(one, netuid)) for one in (hotkey, stranger)],
        "stored": await settled(client.query(bittensor.storage.SubtensorModule.Axons, [netuid, hotkey])),
        "axons": {
            "neuron": endpoint(neuron.raw["axon_info"]["ip"], neuron.raw["axon_info"]["port"]),
            "metagraph": endpoint(*str(listed.axon).rsplit(":", 1)),
        },
        "hotkeys": [one.hotkey for one in metagraph.neurons],
        "stakes": [one.total_stake.rao / 1e9 for one in metagraph.neurons],
        "permits": [one.validator_permit for one in metagraph.neurons],
        "calls": ["0x" + bytes(call.data).hex() for call in composed],
        "served": served.success,
        "subnet": {
            "symbol": metagraph.symbol,
            "burnTao": (await settled(client.subnets.burn(netuid))).rao / 1e9,
            "owner": await settled(client.neurons.hotkey_owner(hotkey)),
            "stakeTao": (await settled(client.staking.get(validator.coldkey, validator.hotkey, netuid))).rao
            / 1e9,
            "commitments": len(await settled(client.subnets.commitments(netuid))),
        },
    }


async def ask_async(given):
    async with bittensor.Subtensor(given["endpoint"]) as client:
        return await ask(client, given, 1)


def ask_sync(given):
    with bittensor.Subtensor(given["endpoint"]) as client:
        return asyncio.run(ask(client, given, 0))


def main():
    given = json.loads(sys.argv[1])
    answer = {
        "sdk": bittensor.__version__,
        "sync": ask_sync(given),
        "async": asyncio.run(ask_async(given)),
    }
    print(json.dumps(answer))


main()
