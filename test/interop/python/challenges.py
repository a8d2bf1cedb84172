"""
Validators with clocks of their own send a detector and a segmenter random challenges and organic requests, in bursts,
and judge each answer.

Input: detector and segmenter (axon URLs), devnets (their chains' URLs), requests, seed, and optionally kinds (which
requests are sent), smallest_edge (of pictures, in pixels) and wrong_digest (signatures are then made over another hash
than the body's).
"""

import asyncio
import functools
import hashlib
import json
import math
import sys
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import devnet
import media
import numpy as np
from epistula import signed_headers
from judge import Rejected
from validator import Miner, Modality, Validator, development_headers

# Of each kind of request among all.
SHARES = {"discovery": 0.06, "image": 0.32, "video": 0.14, "mask": 0.24, "organic image": 0.18, "organic video": 0.06}
VALIDATORS = 6
LARGEST_BURST = 10
# How far a validator's clock may be off: a miner takes what is at most 8 s old and at most a minute ahead.
SLOWEST_CLOCK_MS, FASTEST_CLOCK_MS = -5_500, 50_000
LARGEST_EDGE = 1_600
CLIP_PIXELS = 4_000_000
# Smaller pictures are enlarged for the rough segmenter, which blurs the noise that it looks for.
SHARP_EDGE = 64
# What the rough segmenter reaches on these pictures; a mask that is turned or garbled is far below.
LEAST_IOU = 0.5


@dataclass(frozen=True)
class Request:
    kind: str
    seed: int
    validator: int


@dataclass
class Media:
    body: bytes
    width: int
    height: int
    frames: int
    mask: np.ndarray | None


def plan(options: dict) -> list[list[Request]]:
    """Bursts of requests. Those of one burst may come from several validators and are sent at once."""
    rng = np.random.default_rng(options["seed"])
    kinds = options.get("kinds") or list(SHARES)
    weights = np.array([SHARES[kind] for kind in kinds])
    bursts: list[list[Request]] = []
    left = options["requests"]
    while left > 0:
        size = min(left, int(rng.integers(1, LARGEST_BURST + 1)))
        bursts.append(
            [
                Request(
                    str(rng.choice(kinds, p=weights / weights.sum())),
                    int(rng.integers(2**31)),
                    int(rng.integers(VALIDATORS)),
                )
                for _ in range(size)
            ]
        )
        left -= size
    return bursts


def make_media(request: Request, smallest: int) -> Media | None:
    rng = np.random.default_rng(request.seed)
    if request.kind == "discovery":
        return None
    if "video" in request.kind:
        width, height = (int(math.exp(rng.uniform(math.log(2), math.log(480)))) for _ in range(2))
        frames = int(rng.integers(1, 1 + min(144, max(1, CLIP_PIXELS // (width * height)))))
        return Media(media.encode_clip(media.draw_clip(rng, width, height, frames)), width, height, frames, None)
    if request.kind == "mask" and rng.random() < 0.7:
        smallest = max(smallest, SHARP_EDGE)
    width, height = (int(math.exp(rng.uniform(math.log(smallest), math.log(LARGEST_EDGE)))) for _ in range(2))
    pixels, mask = media.draw_scene(rng, width, height)
    return Media(media.encode_jpeg(pixels), width, height, 1, mask)


async def ask(request: Request, made: Media | None, sender: Validator, detector: Miner, segmenter: Miner) -> float:
    """Raises what a validator would count as an error. Returns the worth of a mask, 1 for all else."""
    rng = np.random.default_rng(request.seed + 1)
    miner = segmenter if request.kind == "mask" or (request.kind == "discovery" and rng.random() < 0.5) else detector
    expected = "segmenter" if miner is segmenter else "detector"
    if request.kind == "discovery":
        sender.forget_type(miner)
    found = await sender.type_of(miner)
    if found != expected:
        raise Rejected(f"the {expected} says that it is a {found}")
    if made is None:
        return 1.0
    modality = "video" if "video" in request.kind else "image"
    if request.kind.startswith("organic"):
        await sender.detect(miner, Modality(modality), made.body, {})
        return 1.0
    extra = development_headers(rng, modality, made.mask) if rng.random() < 0.3 else {}
    if request.kind == "mask":
        worth = await sender.segment(miner, made.body, made.mask, extra)
        if min(made.width, made.height) >= SHARP_EDGE and not worth >= LEAST_IOU:
            raise Rejected(f"the mask earns {worth:.3f}")
        return worth
    await sender.detect(miner, np.str_(modality), made.body, extra)
    return 1.0


class Tally:
    """What came of the requests, by kind."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.sent: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self._times: defaultdict[str, list[float]] = defaultdict(list)
        self._worth: list[float] = []

    async def count(self, request: Request, made: Media | None, *where: object) -> None:
        self.sent[request.kind] += 1
        begun = time.perf_counter()
        try:
            worth = await ask(request, made, *where)
        except (Rejected, aiohttp.ClientError, TimeoutError) as error:
            shape = f" of {made.width} × {made.height} × {made.frames}" if made else ""
            self.problems.append(f"{request.kind}{shape}, seed {request.seed}: {type(error).__name__} {error}")
            return
        self.accepted[request.kind] += 1
        self._times[request.kind].append((time.perf_counter() - begun) * 1000)
        if request.kind == "mask":
            self._worth.append(worth)

    def figures(self) -> list[str]:
        lines = [
            f"{kind:14} {self.accepted[kind]:5} of {self.sent[kind]:5} accepted, median {np.median(times):6.0f} ms,"
            f" 95 % below {np.percentile(times, 95):6.0f} ms"
            for kind, times in sorted(self._times.items())
        ]
        if self._worth:
            lines.append(f"intersection over union of masks: median {np.median(self._worth):.3f}")
        return lines


async def run(options: dict) -> dict:
    rng = np.random.default_rng(options["seed"] + 1)
    miner_hotkey = devnet.key("//Bob").ss58_address
    detector, segmenter = (Miner(options[kind], miner_hotkey) for kind in ("detector", "segmenter"))
    keypairs = [devnet.key("//Alice"), *(devnet.key(f"//Validator/{index}") for index in range(1, VALIDATORS))]
    for url in options["devnets"]:
        for keypair in keypairs[1:]:
            devnet.register(url, keypair)
    offsets = [0, SLOWEST_CLOCK_MS, *map(int, rng.integers(0, FASTEST_CLOCK_MS, size=VALIDATORS - 2))]
    other_digest = hashlib.sha256(b"another body").hexdigest() if options.get("wrong_digest") else None
    sign = functools.partial(signed_headers, body_digest=other_digest)
    tally = Tally()
    async with AsyncExitStack() as stack:
        validators = [
            await stack.enter_async_context(Validator(keypair, offset, sign))
            for keypair, offset in zip(keypairs, offsets)
        ]
        largest = 0
        for burst in plan(options):
            # Made before the clock starts, so that encoding takes nothing of a validator's patience.
            bodies = await asyncio.gather(
                *(asyncio.to_thread(make_media, request, options.get("smallest_edge", 1)) for request in burst)
            )
            await asyncio.gather(
                *(
                    tally.count(request, made, validators[request.validator], detector, segmenter)
                    for request, made in zip(burst, bodies)
                )
            )
            largest = max(largest, len(burst))
    clocks = ", ".join(f"{offset / 1000:+.1f}" for offset in offsets)
    return {
        "sent": tally.sent.total(),
        "accepted": tally.accepted.total(),
        "problems": tally.problems[:20],
        "figures": [
            f"seed {options['seed']}, up to {largest} at once, clocks off by {clocks} s",
            *tally.figures(),
        ],
    }


print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
