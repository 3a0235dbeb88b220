"""A Redis server of the test's own, to be stopped, frozen and replaced by nonsense."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry


class RedisServer:
    """One server process on a port of its own."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.process = process

    def stop_answering(self) -> None:
        """Freeze it: connections are accepted, nothing is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def answer_again(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def flush(self) -> None:
        Redis.from_url(self.url).flushall()

    def n_connections(self) -> int:
        """Return how often somebody has connected, this question left out.

        Who asks a frozen server gives up and connects anew for the next question; all these wait
        in its queue, and are counted when it answers again.
        """
        client = Redis.from_url(self.url)
        found = int(client.info("stats")["total_connections_received"]) - 1
        client.close()
        return found

    def end(self) -> None:
        self.answer_again()
        self.process.kill()
        self.process.wait(60)


@contextmanager
def own_redis() -> Iterator[RedisServer]:
    """Start a server; skip the test where there is no Redis."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    patient = Retry(ConstantBackoff(0.05), 1200, supported_errors=(RedisConnectionError,))
    started = RedisServer(port, process)
    try:
        Redis.from_url(started.url, retry=patient).ping()
        yield started
    finally:
        if process.poll() is None:
            started.end()


@contextmanager
def nonsense_server() -> Iterator[str]:
    """Answer whatever comes with what no Redis says; give the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_talk_nonsense, args=(listening,), daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(60)


def _talk_nonsense(listening: socket.socket) -> None:
    while True:
        try:
            peer, _ = listening.accept()
        except OSError:
            return
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n$-7\r\n\xff\xfe")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
