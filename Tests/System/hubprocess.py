"""The running hub as its users see it: a process, HTTP, WebSocket. Nothing here knows how the hub is made."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import requests
from websockets.sync.client import connect

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary() -> str:
    path = os.environ.get("HUB_BINARY")
    if not path or not os.path.exists(path):
        raise RuntimeError(f"HUB_BINARY names no hub executable: {path!r}; run `make test` or `make check`")
    return path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Hub:
    """One hub in one data folder; may be started, killed and started again."""

    def __init__(self, folder: pathlib.Path, configuration: str):
        self.folder = folder
        self.port = free_port()
        self.log = folder / "hub.log"
        self.configuration = folder / "hub.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        self.configuration.write_text(configuration.replace("PORT", str(self.port)))
        self.process = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str, wait: bool = True, timeout: float = 60) -> "Hub":
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "run", str(self.configuration), *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
            )
        if wait:
            self.wait_ready(timeout)
        return self

    def wait_ready(self, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the hub ended with {self.process.returncode}:\n{self.tail()}")
            try:
                if requests.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"the hub was not ready after {timeout} s:\n{self.tail()}")

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """As power-off of the process alone: nothing is flushed."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, timeout: float = 30) -> int:
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def wait_end(self, timeout: float) -> int:
        return self.process.wait(timeout)

    def get(self, path: str, **parameters) -> requests.Response:
        return requests.get(self.url + path, params=parameters, timeout=60)

    def json(self, path: str, **parameters):
        response = self.get(path, **parameters)
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

    def websocket(self, path: str = "/v1/stream", **options):
        return connect(f"ws://127.0.0.1:{self.port}{path}", max_size=1 << 24, compression=None, **options)

    def events(self, **parameters):
        """Every event of /v1/events, page by page, as (seq, text as sent)."""
        token = None
        while True:
            query = dict(parameters)
            if token:
                query["cursor"] = token
            response = self.get("/v1/events", **query)
            assert response.status_code == 200, response.text
            page = response.json()
            yield from split_objects(response.text)
            token = page["meta"].get("next")
            if not token:
                return


def split_objects(page: str):
    """The rows of a list's `data`, as the very text that was sent."""
    start = page.index('"data":[') + len('"data":[')
    yield from _split(page, start)


def split_message(message: str):
    """The objects of a stream message, as the very text that was sent."""
    assert message.startswith("["), message[:80]
    yield from _split(message, 1)


def _split(text: str, at: int):
    decoder = json.JSONDecoder()
    while text[at] != "]":
        if text[at] == ",":
            at += 1
        value, end = decoder.raw_decode(text, at)
        yield value, text[at:end]
        at = end


def run(*arguments: str, cwd=None, timeout: float = 120, environment=None) -> subprocess.CompletedProcess:
    """One command of the hub, to its end."""
    return subprocess.run(
        [binary(), *arguments], capture_output=True, text=True, cwd=cwd, timeout=timeout,
        env={**os.environ, **(environment or {})},
    )
