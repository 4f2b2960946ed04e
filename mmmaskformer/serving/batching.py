"""Requests of several clients as batches: a queue, a worker, and a limit on what may wait."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar('Item')
Answer = TypeVar('Answer')

FIRST_GUESS = 1.0
"""Seconds of a batch, before one was timed."""
SMOOTHING = 0.8


class QueueFullError(Exception):
    """More waits than may.

    Attributes:
        retry_after: Whole seconds after which a new try is likely to succeed.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f'try again in {retry_after} seconds')
        self.retry_after = retry_after


class ClosedError(Exception):
    """The server is going down."""


class _Waiting(NamedTuple, Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class Batcher(Generic[Item, Answer]):
    """Collects items into batches, and processes one batch after the other in a thread of its own.

    A batch begins with the first item that waits, and ends when it is full or `max_wait` is over. Where all
    of a batch fails, its items are tried one by one, so that one of them does not spoil the others.

    Args:
        process: Turns items into as many answers; an answer that is an exception is raised to who asked.
        max_batch: Items of a batch.
        max_wait: Seconds that the first item waits for others.
        max_queue: Items that may wait, besides those that are being processed.

    Example:
        >>> batcher = Batcher(lambda images: [predict(image) for image in images], 8, 0.005, 64)
        >>> batcher.start()
        >>> await batcher.submit([image])
    """

    def __init__(
        self,
        process: Callable[[list[Item]], Sequence[Answer | Exception]],
        max_batch: int,
        max_wait: float,
        max_queue: int,
    ) -> None:
        self.process, self.max_batch, self.max_wait, self.max_queue = process, max_batch, max_wait, max_queue
        self.sizes: dict[int, int] = {}
        self._seconds = FIRST_GUESS
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._more = asyncio.Event()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, 'prediction')
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """Number of items that wait."""
        return len(self._waiting)

    def start(self) -> None:
        """Start the worker, in the running event loop."""
        self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Process what waits, and stop; later items are refused."""
        self._closed = True
        self._more.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    def check_space(self, number: int) -> None:
        """Check whether a number of items may wait.

        Raises:
            QueueFullError: They do not fit into the queue.
            ClosedError: The server is going down.
        """
        if self._closed:
            raise ClosedError
        if len(self._waiting) + number > self.max_queue:
            batches = math.ceil(len(self._waiting) / self.max_batch)
            raise QueueFullError(max(1, math.ceil(batches * self._seconds)))

    async def submit(self, items: Sequence[Item]) -> list[Answer]:
        """The answers for items, which wait together.

        Raises:
            QueueFullError: They do not fit into the queue.
            ClosedError: The server is going down.
            Exception: What processing one of them has raised.
        """
        self.check_space(len(items))
        loop = asyncio.get_running_loop()
        entries = [_Waiting(item, loop.create_future()) for item in items]
        self._waiting += entries
        self._more.set()
        try:
            return list(await asyncio.gather(*(entry.answer for entry in entries)))
        finally:
            for entry in entries:  # of a client that went away, or whose other image failed
                entry.answer.cancel()
            self._waiting = [entry for entry in self._waiting if not entry.answer.done()]

    async def _work(self) -> None:
        while True:
            await self._more.wait()
            batch = await self._next_batch()
            if batch:
                await self._answer(batch)
            elif self._closed:
                return

    async def _next_batch(self) -> list[_Waiting[Item, Answer]]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.max_wait
        while len(self._waiting) < self.max_batch and not self._closed:
            self._more.clear()
            try:
                await asyncio.wait_for(self._more.wait(), end - loop.time())
            except asyncio.TimeoutError:
                break
        batch, self._waiting = self._waiting[: self.max_batch], self._waiting[self.max_batch :]
        if not self._waiting and not self._closed:
            self._more.clear()
        else:
            self._more.set()
        return [entry for entry in batch if not entry.answer.done()]

    async def _answer(self, batch: list[_Waiting[Item, Answer]]) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        answers = await loop.run_in_executor(self._thread, self._process, [entry.item for entry in batch])
        self._seconds = SMOOTHING * self._seconds + (1 - SMOOTHING) * (loop.time() - start)
        self.sizes[len(batch)] = self.sizes.get(len(batch), 0) + 1
        for entry, answer in zip(batch, answers):
            if entry.answer.done():
                continue
            if isinstance(answer, Exception):
                entry.answer.set_exception(answer)
            else:
                entry.answer.set_result(answer)

    def _process(self, items: list[Item]) -> Sequence[Answer | Exception]:
        try:
            return self.process(items)
        except Exception as error:
            if len(items) == 1:
                return [error]
            return [answer for item in items for answer in self._process([item])]
