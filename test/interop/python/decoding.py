"""
Encodes random pictures and clips, has the miner decode them and compares the pixels with Pillow's and PyAV's.

Input: command (the miner's `decode`), folder (for the files), pictures, clips, seed, and optionally upsampling: a
decoder with that chroma upsampling then stands in for the miner, on the pictures that it can read.
"""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import chroma
import media
import numpy as np
from PIL import Image

UPSAMPLING = {"repeat": chroma.repeat_samples, "weigh": chroma.weigh_neighbours}
SUBSAMPLING = ["4:4:4", "4:2:2", "4:2:0"]
# Smallest, odd, and around the edges of a JPEG's blocks.
EDGES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 255, 257]


def random_edge(rng: np.random.Generator) -> int:
    return int(rng.choice(EDGES)) if rng.random() < 0.3 else int(np.exp(rng.uniform(0, np.log(700))))


def random_pixels(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    if rng.random() < 0.25:
        return rng.integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    return media.draw_scene(rng, width, height)[0]


def save_jpeg(image: Image.Image, path: Path, rng: np.random.Generator, subsampling: str | None = None) -> str:
    subsampling = subsampling or str(rng.choice(SUBSAMPLING))
    progressive = bool(rng.random() < 0.3)
    quality = int(rng.integers(30, 96))
    image.save(path, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive)
    return f"JPEG {subsampling}{' progressive' if progressive else ''}"


def save_png(image: Image.Image, path: Path, rng: np.random.Generator) -> str:
    mode = str(rng.choice(["RGB", "RGBA", "L", "LA", "1"]))
    image.convert(mode).save(path, "PNG")
    return f"PNG {mode}"


def save_webp(image: Image.Image, path: Path, rng: np.random.Generator) -> str:
    lossless = bool(rng.random() < 0.5)
    if rng.random() < 0.3:
        image.putalpha(Image.fromarray(rng.integers(0, 256, size=image.size[::-1], dtype=np.uint8)))
    image.save(path, "WEBP", lossless=lossless, quality=int(rng.integers(10, 101)), exact=True, method=2)
    return f"WebP {'lossless' if lossless else 'lossy'} {image.mode}"


def save_palette(image: Image.Image, path: Path, rng: np.random.Generator) -> str:
    palette = image.quantize(colors=int(rng.integers(2, 257)))
    kind = str(rng.choice(["PNG", "GIF"]))
    transparent = kind == "PNG" and rng.random() < 0.4
    palette.save(path, kind, **({"transparency": 0} if transparent else {}))
    return f"palette {kind}{' with transparency' if transparent else ''}"


def digest(frames: list[np.ndarray]) -> dict[str, object]:
    """The same facts as the miner's `decode` prints."""
    height, width, _ = frames[0].shape
    sha256 = hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()
    return {"width": width, "height": height, "frames": len(frames), "sha256": sha256}


def make_picture(rng: np.random.Generator, path: Path, only_420: bool) -> tuple[str, dict[str, object]]:
    if only_420:
        width, height = (16 * int(edge) for edge in rng.integers(1, 24, size=2))
        kind = save_jpeg(Image.fromarray(random_pixels(rng, width, height)), path, rng, "4:2:0")
    else:
        image = Image.fromarray(random_pixels(rng, random_edge(rng), random_edge(rng)))
        save = rng.choice([save_jpeg, save_jpeg, save_png, save_webp, save_palette])
        kind = save(image, path, rng)
    return kind, digest([np.asarray(Image.open(path).convert("RGB"))])


def make_clip(rng: np.random.Generator, path: Path) -> tuple[str, dict[str, object]]:
    width, height = (int(np.exp(rng.uniform(0, np.log(400)))) for _ in range(2))
    count = int(rng.integers(1, 1 + min(144, max(1, 3_000_000 // (width * height)))))
    path.write_bytes(media.encode_clip(media.draw_clip(rng, width, height, count)))
    return "clip", digest(media.decode_clip(path.read_bytes()))


def main() -> None:
    options = json.loads(sys.argv[1])
    rng = np.random.default_rng(options["seed"])
    upsample = UPSAMPLING.get(options.get("upsampling"))
    folder = Path(options["folder"])
    expected: dict[Path, tuple[str, dict[str, object]]] = {}
    for index in range(options["pictures"]):
        path = folder / f"picture-{index}"
        expected[path] = make_picture(rng, path, only_420=upsample is not None)
    for index in range(options["clips"]):
        path = folder / f"clip-{index}"
        expected[path] = make_clip(rng, path)

    if upsample is None:
        run = subprocess.run([*options["command"], *map(str, expected)], capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(run.stderr)
        decoded = [json.loads(line) for line in run.stdout.splitlines()]
    else:
        decoded = [digest([chroma.decode_420(path.read_bytes(), upsample)]) for path in expected]

    kinds = Counter(kind for kind, _ in expected.values())
    differing = [
        f"{path.name} ({kind}): {ours} instead of {reference}"
        for (path, (kind, reference)), ours in zip(expected.items(), decoded, strict=True)
        if ours != reference
    ]
    print(json.dumps({"compared": len(decoded), "kinds": kinds, "differing": differing}))


main()
