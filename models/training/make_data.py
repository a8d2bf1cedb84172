"""Makes procedural data: `python make_data.py images --out data/images --train 3000 --val 300 --test 300`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from sn34.procedural.dataset import items_of, write_all, write_clip, write_image

KINDS = {"images": write_image, "clips": write_clip}


class Progress:
    """A line on standard error that says how far it is, at most twice a second."""

    def __init__(self, total: int) -> None:
        self._total, self._started, self._shown = total, time.monotonic(), 0.0

    def __call__(self, done: int) -> None:
        """Shows that ``done`` files are made."""
        now = time.monotonic()
        if now - self._shown < 0.5 and done < self._total:
            return
        self._shown = now
        left = (now - self._started) * (self._total - done) / max(done, 1)
        end = "\n" if done == self._total else ""
        sys.stderr.write(f"\r{done}/{self._total} made, {left:.0f} s left  {end}")
        sys.stderr.flush()


def main() -> None:
    """Reads the arguments and writes the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--train", type=int, default=3000, help="files to train on, a third of each class")
    parser.add_argument("--val", type=int, default=300, help="files to validate on")
    parser.add_argument("--test", type=int, default=300, help="files to test on")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other files")
    parser.add_argument("--workers", type=int, default=2, help="processes; the files do not depend on it")
    options = parser.parse_args()
    items = items_of(options.out, options.seed, (options.train, options.val, options.test))
    write_all(items, KINDS[options.kind], options.workers, Progress(len(items)))


if __name__ == "__main__":
    main()
