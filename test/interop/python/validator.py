"""A validator as the miner meets it: finds out what a miner is, challenges it and judges what it answers."""

import asyncio
import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

import aiohttp
import cv2
import numpy as np
from bittensor_wallet import Keypair
from epistula import signed_headers, unix_ms
from judge import Rejected, intersection_over_union, read_mask, read_prediction
from PIL import Image

TIMEOUT = aiohttp.ClientTimeout(total=11.0, connect=4.0, sock_connect=3.0)


class Modality(str, Enum):
    """Python 3.11 and later print a member as `Modality.IMAGE` where it is formatted into a path."""

    IMAGE = "image"
    VIDEO = "video"


CONTENT_TYPES = {"image": "image/jpeg", "video": "video/mp4"}


@dataclass(frozen=True)
class Miner:
    """An axon as the chain tells of it."""

    url: str
    hotkey: str


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def development_headers(rng: np.random.Generator, modality: str, mask: np.ndarray | None) -> dict[str, str]:
    """What validators of another subnet than 34 add: unsigned, of any length, not always ASCII."""
    headers = {
        "X-Testnet-modality": modality,
        "X-Testnet-label": str(rng.integers(0, 3)),
        "X-Testnet-media_type": "MediaType.SEMISYNTHETIC",
        "X-Testnet-metadata": str({"prompt": "a café, 夜 " * int(rng.integers(1, 200)), "seed": None}),
    }
    if mask is not None:
        small = cv2.resize(mask.astype(np.float32), (128, 128)).round().astype(np.uint8) * 255
        buffer = io.BytesIO()
        Image.fromarray(small, mode="L").save(buffer, format="PNG")
        headers["X-Testnet-mask"] = base64.b64encode(buffer.getvalue()).decode()
    return headers


class Validator:
    """A hotkey with a clock and a connection pool of its own; used as an async context manager."""

    def __init__(self, keypair: Keypair, clock_offset_ms: int = 0, sign=signed_headers):
        self.keypair = keypair
        self.clock_offset_ms = clock_offset_ms
        self._sign = partial(sign, keypair)
        self._types: dict[str, str] = {}

    async def __aenter__(self) -> "Validator":
        self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def headers_for(self, miner: Miner, body: bytes = b"", ahead_ms: int = 0) -> dict[str, str]:
        return self._sign(miner.hotkey, body, unix_ms(self.clock_offset_ms + ahead_ms))

    async def send(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        async with self._session.request(method, url, headers=headers, data=body) as response:
            return Reply(response.status, response.headers, await response.read())

    async def type_of(self, miner: Miner) -> str:
        """Asks once; a 404 means a detector. What cannot be understood raises Rejected."""
        known = self._types.get(miner.url)
        if known is not None:
            return known
        url = f"{miner.url}/miner_info"
        async with self._session.get(url, headers=self.headers_for(miner)) as response:
            if response.status == 404:
                kind = "detector"
            elif response.status != 200:
                raise Rejected(f"HTTP {response.status} error: {await response.text()}")
            else:
                kind = (await response.json())["miner_type"].lower()
        if kind not in ("detector", "segmenter"):
            raise Rejected(f"unknown miner type {kind}")
        self._types[miner.url] = kind
        return kind

    def forget_type(self, miner: Miner) -> None:
        self._types.pop(miner.url, None)

    async def detect(
        self, miner: Miner, modality: str | np.str_ | Modality, body: bytes, extra: dict[str, str]
    ) -> list[float]:
        """A challenge names the modality by a string, an organic request by a member of `Modality`."""
        reply = await self._post(miner, f"/detect_{modality}", modality, body, extra)
        # As aiohttp does before it parses JSON.
        if not reply.headers.get("Content-Type", "").startswith("application/json"):
            raise Rejected("ContentTypeError")
        return read_prediction(reply.body)

    async def segment(self, miner: Miner, body: bytes, truth: np.ndarray, extra: dict[str, str]) -> float:
        """The intersection over union that the answer earns."""
        reply = await self._post(miner, "/segment_image", "image", body, extra)
        mask = read_mask(reply.body, reply.headers.get("X-Mask-Shape"))
        return await asyncio.to_thread(intersection_over_union, mask, truth)

    async def _post(
        self, miner: Miner, path: str, modality: str | Modality, body: bytes, extra: dict[str, str]
    ) -> Reply:
        headers = {
            "Content-Type": CONTENT_TYPES[str.__str__(modality)],
            "X-Media-Type": modality,
            **self.headers_for(miner, body),
            **extra,
        }
        reply = await self.send("POST", miner.url + path, headers, body)
        if reply.status != 200:
            raise Rejected(f"HTTP {reply.status} error: {reply.body.decode(errors='replace')}")
        return reply
