"""The vendors' official client libraries as processes of their own, in the environment `scripts/install-vendor-sdks`
makes. They prove that the fakes speak as the vendors do."""

import json
import os
import pathlib
import queue
import random
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".build-vendors/bin/python"
#: Of the fakes; say it in failures.
SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))


def install() -> None:
    subprocess.run([ROOT / "scripts/install-vendor-sdks"], check=True, timeout=540)


class Client:
    """A client in Tests/Vendors/clients; its lines are JSON objects."""

    def __init__(self, name: str, *arguments: str):
        self.name = name
        self.seen: list[dict] = []
        self._lines: queue.Queue = queue.Queue()
        self.process = subprocess.Popen(
            [str(PYTHON), str(ROOT / f"Tests/Vendors/clients/{name}.py"), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            try:
                self._lines.put(json.loads(line))
            except ValueError:
                continue  # What a library prints by itself.
        self._lines.put(None)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()

    def next(self, seconds: float = 30) -> dict:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"{self.name} said nothing more in {seconds} s; so far {self.seen[-5:]}") from None
        if line is None:
            raise AssertionError(f"{self.name} ended; it said {self.seen[-5:]}")
        self.seen.append(line)
        return line

    def until(self, what: str, condition=lambda line: True, seconds: float = 30) -> dict:
        """The next line of a kind; those before it are in `seen`."""
        while True:
            line = self.next(seconds)
            if line.get("what") == what and condition(line):
                return line

    # Clients that make calls

    def call(self, name: str, *positional, **named):
        """What the library returned; a refusal is an AssertionError."""
        reply = self.attempt(name, *positional, **named)
        assert "error" not in reply, reply
        return reply["result"]

    def attempt(self, name: str, *positional, **named) -> dict:
        if not self.seen:
            self.next()
        self.tell({"call": name, "positional": positional, "named": named})
        return self.next()

    def tell(self, line) -> None:
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
