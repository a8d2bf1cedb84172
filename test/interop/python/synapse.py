"""Asks a miner as a tool on the SDK does: with its own dendrite, and the synapse classes of the subnet's 2.x releases.

Takes JSON (port, frames: paths of the JPEGs of a clip, the first of which is the picture, too) and prints, for each case,
what the dendrite reports.
"""

import asyncio
import base64
import json
import pathlib
import sys
import time
import zlib
from typing import Union
from unittest import mock

import aiohttp
from bittensor.core.chain_data import AxonInfo
from bittensor.core.dendrite import Dendrite
from bittensor.core.synapse import Synapse
from bittensor_wallet import Keypair

BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"


class ImageSynapse(Synapse):
    testnet_label: int = -1
    prediction: Union[float, list[float]] = [-1.0, -1.0, -1.0]
    image: str = ""


class VideoSynapse(Synapse):
    testnet_label: int = -1
    prediction: Union[float, list[float]] = [-1.0, -1.0, -1.0]
    video: str = ""


class AudioSynapse(Synapse):
    audio: str = ""


class HashedSynapse(Synapse):
    required_hash_fields = ("image",)
    image: str = ""


HashedSynapse.__name__ = "ImageSynapse"


def report(synapse):
    return {
        "success": synapse.is_success,
        "status": int(synapse.dendrite.status_code or 0),
        "message": synapse.dendrite.status_message,
        "prediction": getattr(synapse, "prediction", None),
        "nonce": str(synapse.dendrite.nonce),
        "axonHotkey": synapse.axon.hotkey,
        "axonVersion": synapse.axon.version,
        "processTime": str(synapse.axon.process_time),
    }


async def main():
    given = json.loads(sys.argv[1])
    axon = AxonInfo(
        version=9003000, ip="127.0.0.1", port=given["port"], ip_type=4, hotkey=BOB, coldkey=BOB
    )
    frames = [pathlib.Path(path).read_bytes() for path in given["frames"]]
    image = base64.b64encode(frames[0]).decode()
    video = base64.b85encode(zlib.compress(b"".join(frames))).decode()
    results = {}

    def dendrite_of(uri):
        # It would ask hosts of the internet for its own address.
        with mock.patch("bittensor.utils.networking.get_external_ip", return_value="203.0.113.7"):
            return Dendrite(wallet=Keypair.create_from_uri(uri))

    async def ask(synapse, dendrite, timeout=9.0):
        return await dendrite(axon, synapse, deserialize=False, timeout=timeout)

    alice = dendrite_of("//Alice")
    dave = dendrite_of("//Dave")
    charlie = dendrite_of("//Charlie")

    answered = await ask(ImageSynapse(image=image), alice)
    results["image"] = report(answered)
    results["image"]["mediaKept"] = answered.image == image
    answered = await ask(VideoSynapse(video=video), alice)
    results["video"] = report(answered)
    results["video"]["mediaKept"] = answered.video == video
    together = await asyncio.gather(*(ask(ImageSynapse(image=image), alice) for _ in range(12)))
    results["parallel"] = [report(one)["success"] for one in together]

    results["stranger"] = report(await ask(ImageSynapse(image=image), dave))
    results["poor"] = report(await ask(ImageSynapse(image=image), charlie))
    results["unknown"] = report(await ask(AudioSynapse(audio="x"), alice))
    results["damaged"] = report(await ask(ImageSynapse(image=image[: len(image) // 8 * 4]), alice))
    results["noMedia"] = report(await ask(ImageSynapse(), alice))
    results["hashed"] = report(await ask(HashedSynapse(image=image), alice))

    # Another key than the one that is named.
    forged = dendrite_of("//Alice")
    sign = dave.keypair.sign

    class Impostor:
        ss58_address = alice.keypair.ss58_address

        def sign(self, message):
            return sign(message)

    forged.keypair = Impostor()
    results["wrongKey"] = report(await ask(ImageSynapse(image=image), forged))

    now = time.time_ns
    time.time_ns = lambda: now() - 14_000_000_000
    results["stale"] = report(await ask(ImageSynapse(image=image), alice))
    time.time_ns = now

    # What somebody on the way could have kept, sent again.
    kept = alice.preprocess_synapse_for_request(axon, ImageSynapse(image=image), 9.0)
    headers, body = kept.to_headers(), kept.model_dump()
    statuses = []
    url = f"http://127.0.0.1:{given['port']}/ImageSynapse"
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(url, headers=headers, json=body) as response:
                local = ImageSynapse(image=image)
                local.dendrite, local.axon = kept.dendrite, kept.axon
                alice.process_server_response(response, await response.json(), local)
                statuses.append(report(local))
    results["replay"] = statuses

    for dendrite in (alice, dave, charlie, forged):
        await dendrite.aclose_session()
    print(json.dumps(results))


asyncio.run(main())
