"""
Sends what a miner has to refuse and compares status and code with what is expected; after each kind, a good request
shows that the miner still answers.

Input: detector and segmenter (axon URLs), repeat (times that each is sent), seed.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

import devnet
import media
import numpy as np
from epistula import signed_headers, unix_ms
from validator import Miner, Reply, Validator

JPEG = {"Content-Type": "image/jpeg", "X-Media-Type": "image"}
SIGNATURE = "Epistula-Request-Signature"
Outcome = tuple[int, str]


def outcome(reply: Reply) -> Outcome:
    return reply.status, json.loads(reply.body).get("code", "") if reply.status != 200 else ""


class Stranger:
    """Builds requests of which one thing is wrong."""

    def __init__(self, sender: Validator, detector: Miner, segmenter: Miner, rng: np.random.Generator):
        self.sender, self.detector, self.segmenter, self.rng = sender, detector, segmenter, rng
        width, height = (int(edge) for edge in rng.integers(8, 200, size=2))
        self.body = media.encode_jpeg(media.draw_scene(rng, width, height)[0])

    def headers(self, **changed: str | None) -> dict[str, str]:
        """Good headers but for `changed`: names with _ for -, None for a header that is left out."""
        headers = self.sender.headers_for(self.detector, self.body)
        for name, value in changed.items():
            headers["Epistula-" + name.replace("_", "-")] = value
        return {name: value for name, value in headers.items() if value is not None}

    async def post(
        self, headers: dict[str, str], body: bytes | None = None, path: str = "/detect_image", miner: Miner | None = None
    ) -> Outcome:
        url = (miner or self.detector).url + path
        return outcome(await self.sender.send("POST", url, JPEG | headers, self.body if body is None else body))

    async def signed_by(self, uri: str) -> Outcome:
        keypair = devnet.key(uri)
        return await self.post(signed_headers(keypair, self.detector.hotkey, self.body, unix_ms()))

    async def wrong_key(self) -> Outcome:
        forged = signed_headers(devnet.key("//Dave"), self.detector.hotkey, self.body, unix_ms())
        return await self.post(forged | {"Epistula-Signed-By": self.sender.keypair.ss58_address})

    async def dated(self, ahead_ms: int) -> Outcome:
        return await self.post(self.sender.headers_for(self.detector, self.body, ahead_ms))

    async def replayed(self, path: str) -> Outcome:
        headers = self.headers()
        first = await self.post(headers)
        return await self.post(headers, path=path) if first == (200, "") else first

    async def replayed_at_once(self) -> Outcome:
        """Of several copies in flight one is served."""
        headers = self.headers()
        outcomes = sorted(await asyncio.gather(*(self.post(headers) for _ in range(4))))
        return outcomes[1] if outcomes[0] == (200, "") and len(set(outcomes[1:])) == 1 else outcomes[0]

    async def altered(self) -> Outcome:
        body = bytearray(self.body)
        body[int(self.rng.integers(len(body)))] ^= 1 << int(self.rng.integers(8))
        return await self.post(self.headers(), bytes(body))

    async def altered_header(self, name: str) -> Outcome:
        """A header that is well-formed still and no longer what was signed."""
        headers = self.headers()
        value = headers[name]
        last = "0" if value[-1] != "0" else "1"
        return await self.post(headers | {name: value[:-1] + last})

    async def for_another(self) -> Outcome:
        receiver = devnet.key("//Charlie").ss58_address
        return await self.post(signed_headers(self.sender.keypair, receiver, self.body, unix_ms()))

    async def renamed_receiver(self) -> Outcome:
        receiver = devnet.key("//Charlie").ss58_address
        signed = signed_headers(self.sender.keypair, receiver, self.body, unix_ms())
        return await self.post(signed | {"Epistula-Signed-For": self.detector.hotkey})

    async def get(self) -> Outcome:
        headers = self.sender.headers_for(self.detector)
        return outcome(await self.sender.send("GET", f"{self.detector.url}/detect_image", headers))

    async def good(self) -> Outcome:
        return await self.post(self.headers())


INVALID, MISMATCH = (400, "AXON_HEADER_INVALID"), (400, "AXON_SIGNATURE_MISMATCH")
VERSION, RECEIVER = (400, "AXON_VERSION_UNKNOWN"), (400, "AXON_WRONG_RECEIVER")
UNKNOWN_ROUTE = (404, "AXON_NOT_FOUND")

CASES: dict[str, tuple[Callable[[Stranger], Awaitable[Outcome]], Outcome]] = {
    "another's key": (lambda s: s.wrong_key(), MISMATCH),
    "too little stake": (lambda s: s.signed_by("//Charlie"), (401, "AXON_SIGNER_STAKE")),
    "not registered": (lambda s: s.signed_by("//Dave"), (401, "AXON_SIGNER_UNKNOWN")),
    "stale": (lambda s: s.dated(-int(s.rng.integers(8_002, 10**7))), (400, "AXON_STALE")),
    "too far ahead": (lambda s: s.dated(int(s.rng.integers(61_000, 10**7))), (400, "AXON_FUTURE")),
    "replayed": (lambda s: s.replayed("/detect_image"), (400, "AXON_REPLAY")),
    "replayed to the alias": (lambda s: s.replayed("/detect_Modality.IMAGE"), (400, "AXON_REPLAY")),
    "replayed at once": (lambda s: s.replayed_at_once(), (400, "AXON_REPLAY")),
    "altered body": (lambda s: s.altered(), MISMATCH),
    "body left out": (lambda s: s.post(s.headers(), b""), MISMATCH),
    "altered uuid": (lambda s: s.altered_header("Epistula-Uuid"), MISMATCH),
    "altered timestamp": (lambda s: s.altered_header("Epistula-Timestamp"), MISMATCH),
    "altered signature": (lambda s: s.altered_header(SIGNATURE), MISMATCH),
    "another receiver": (lambda s: s.for_another(), RECEIVER),
    "receiver renamed": (lambda s: s.renamed_receiver(), MISMATCH),
    "no receiver": (lambda s: s.post(s.headers(Signed_For=None)), RECEIVER),
    "no version": (lambda s: s.post(s.headers(Version=None)), VERSION),
    "version 1": (lambda s: s.post(s.headers(Version="1")), VERSION),
    "version 2.0": (lambda s: s.post(s.headers(Version="2.0")), VERSION),
    "no timestamp": (lambda s: s.post(s.headers(Timestamp=None)), INVALID),
    "timestamp with a sign": (lambda s: s.post(s.headers(Timestamp=f"+{unix_ms()}")), INVALID),
    "timestamp with a fraction": (lambda s: s.post(s.headers(Timestamp=f"{unix_ms()}.0")), INVALID),
    "timestamp with underscores": (lambda s: s.post(s.headers(Timestamp=f"{unix_ms():_}")), INVALID),
    "timestamp in words": (lambda s: s.post(s.headers(Timestamp="now")), INVALID),
    "timestamp without end": (lambda s: s.post(s.headers(Timestamp="1" * 400)), INVALID),
    "no uuid": (lambda s: s.post(s.headers(Uuid=None)), INVALID),
    "no real uuid": (lambda s: s.post(s.headers(Uuid="1234")), INVALID),
    "no signer": (lambda s: s.post(s.headers(Signed_By=None)), INVALID),
    "signer by name": (lambda s: s.post(s.headers(Signed_By="Alice")), INVALID),
    "no signature": (lambda s: s.post(s.headers(Request_Signature=None)), INVALID),
    "signature without 0x": (lambda s: s.post(s.headers(Request_Signature=s.headers()[SIGNATURE][2:])), INVALID),
    "signature cut short": (lambda s: s.post(s.headers(Request_Signature=s.headers()[SIGNATURE][:-2])), INVALID),
    "a body that is no picture": (
        lambda s: s.post(s.sender.headers_for(s.detector, b"no picture"), b"no picture"),
        (415, "MEDIA_UNSUPPORTED"),
    ),
    "half a picture": (
        lambda s: s.post(
            s.sender.headers_for(s.detector, s.body[: len(s.body) // 2]), s.body[: len(s.body) // 2]
        ),
        (422, "MEDIA_UNDECODABLE"),
    ),
    "a picture to a segmenter": (lambda s: s.post(s.headers(), miner=s.segmenter), UNKNOWN_ROUTE),
    "a mask of a detector": (lambda s: s.post(s.headers(), path="/segment_image"), UNKNOWN_ROUTE),
    "GET of a task": (lambda s: s.get(), (405, "AXON_METHOD_NOT_ALLOWED")),
}


async def run(options: dict) -> dict:
    rng = np.random.default_rng(options["seed"])
    hotkey = devnet.key("//Bob").ss58_address
    detector, segmenter = (Miner(options[kind], hotkey) for kind in ("detector", "segmenter"))
    sent, problems = 0, []
    async with Validator(devnet.key("//Alice")) as sender:
        for name, (refused, expected) in CASES.items():
            strangers = [Stranger(sender, detector, segmenter, rng) for _ in range(options["repeat"])]
            got = await asyncio.gather(*(refused(stranger) for stranger in strangers))
            sent += len(got)
            problems += [f"{name}: {one} instead of {expected}" for one in got if one != expected]
            good = await strangers[0].good()
            if good != (200, ""):
                problems.append(f"a good request after {name}: {good}")
    return {"sent": sent, "refused": sent - len(problems), "cases": len(CASES), "problems": problems[:20]}


print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
