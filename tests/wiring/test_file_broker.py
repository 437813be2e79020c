"""The embedded broker: a message appears whole, is taken once, and in the order it came."""

import multiprocessing
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection

MESSAGES = 300


def connection(folder: Path) -> Connection:
    for name in ("queue", "control"):
        (folder / name).mkdir(exist_ok=True)
    return Connection(
        "filesystem://localhost",
        transport="cstiers.file_broker:Transport",
        transport_options={
            "data_folder_in": str(folder / "queue"),
            "data_folder_out": str(folder / "queue"),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.01,
        },
    )


def folder_queue(folder: Path) -> str:
    """A name of its own for each test: kombu remembers for the process which queues are bound."""
    return f"bell-{folder.name}"


def send(folder: Path, count: int) -> None:
    with connection(folder) as link:
        box = link.SimpleQueue(folder_queue(folder))
        for number in range(count):
            box.put({"number": number})


def test_messages_come_in_the_order_they_were_sent(tmp_path):
    send(tmp_path, 5)
    with connection(tmp_path) as link:
        box = link.SimpleQueue(folder_queue(tmp_path))
        assert [box.get_nowait().payload["number"] for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(Empty):
            box.get_nowait()


def test_a_reader_beside_a_writer_never_meets_half_a_message(tmp_path):
    """The reader polls without a pause while another process writes: with kombu's own transport it reads empty files."""
    writer = multiprocessing.get_context("spawn").Process(target=send, args=(tmp_path, MESSAGES))
    with connection(tmp_path) as link:
        channel = link.default_channel
        link.SimpleQueue(folder_queue(tmp_path))
        writer.start()
        seen = 0
        while seen < MESSAGES and (writer.is_alive() or list((tmp_path / "queue").iterdir())):
            try:
                channel._get(folder_queue(tmp_path))
            except Empty:
                continue
            seen += 1
        writer.join(30)
    assert seen == MESSAGES


def test_a_file_that_is_no_message_is_dropped_and_the_next_is_taken(tmp_path, caplog):
    send(tmp_path, 1)
    (tmp_path / "queue" / f"0_broken.{folder_queue(tmp_path)}.msg").write_text("")
    with connection(tmp_path) as link:
        message = link.SimpleQueue(folder_queue(tmp_path)).get_nowait()
        message.ack()  # what is not acknowledged is put back when the connection closes
        assert message.payload == {"number": 0}
    assert "no JSON" in caplog.text
    assert list((tmp_path / "queue").iterdir()) == []


def test_a_queue_that_is_bound_twice_is_there_once(tmp_path):
    for _ in range(2):
        with connection(tmp_path) as link:
            link.default_channel._queue_bind("bells", "key", "", "bell")
    with connection(tmp_path) as link:
        assert link.default_channel.get_table("bells") == [("key", "", "bell")]
