"""Work spread over processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import cv2

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_workers(work: Callable[[Job], Result], jobs: Iterable[Job], workers: int, chunk: int = 4) -> Iterator[Result]:
    """Yields what `work` makes of each job, in order.

    Args:
        work: A function of a module, as processes are handed its name.
        jobs: What it is given.
        workers: Processes; 1 does all in this one.
        chunk: Jobs that a process is handed at once.
    """
    if workers == 1:
        yield from map(work, jobs)
        return
    # New processes, not copies of this one: a copy could wait forever for a lock that a thread held at the time.
    # OpenCV's own threads would only get in the way of the other processes.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,))
    with pool:
        yield from pool.map(work, jobs, chunksize=chunk)
