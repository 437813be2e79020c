"""The embedded broker: messages as files in a folder, each of which appears whole or not at all.

kombu's own file transport opens a message before it locks and writes it: a worker that looks in between reads an empty
file and ends for good (seen here under load). Here a message and a table are written aside and renamed into place, and
a worker takes a message by renaming it, inside the folder, so that nothing lies in the machine's shared /tmp.
"""

import contextlib
import json
import logging
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.transport.filesystem import LOCK_EX, exchange_queue_t, lock, unlock
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)


def write_whole(path: Path, text: str) -> None:
    """Write `path` so that a reader sees the old content or the new, never a part."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


class Channel(filesystem.Channel):
    """kombu's channel with writing and taking made atomic."""

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:
        # The names sort by time, so that messages are taken in the order they came.
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        write_whole(Path(self.data_folder_out) / name, dumps(payload))

    def _get(self, queue: str) -> dict[str, Any]:
        folder = Path(self.data_folder_in)
        for path in sorted(folder.glob(f"*.{queue}.msg")):
            taken = path.with_name(f"{path.name}.taken")
            try:
                path.replace(taken)  # of many workers one succeeds
            except FileNotFoundError:
                continue
            text = taken.read_text(encoding="utf-8")
            taken.unlink()
            try:
                message: dict[str, Any] = loads(text)
            except json.JSONDecodeError:
                logger.exception(
                    "A message that is no JSON was dropped; its row is rung for again by the sweep."
                )
                continue
            return message
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        path: Path = self._exchange_file(exchange)
        wanted = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._alone():
            table = self.get_table(exchange)
            if wanted not in table:
                write_whole(path, dumps([wanted, *table]))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time changes the tables of exchanges."""
        with (self.control_folder / "lock").open("a") as gate:
            lock(gate, LOCK_EX)
            try:
                yield
            finally:
                unlock(gate)


class Transport(filesystem.Transport):
    Channel = Channel
