"""Debian's Chromium, headless, over its own debugging protocol: one page, what it logs, and every request it makes."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import zlib
from collections import Counter

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

KEYS = {
    "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Escape": 27, "Tab": 9, "Home": 36, "End": 35, " ": 32,
}


class Browser:
    """One page of a browser of its own, with a profile of its own. A context manager."""

    def __init__(self, folder: pathlib.Path, width: int = 1440, height: int = 1000):
        program = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if not program:
            raise RuntimeError("no chromium: `make test` installs Debian's package, or set CHROMIUM to its path")
        folder.mkdir(parents=True, exist_ok=True)
        port_file = folder / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        self.log = folder / "chromium.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
                 "--remote-debugging-port=0", f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while not (port_file.exists() and port_file.read_text().count("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise AssertionError(f"chromium did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        port = int(port_file.read_text().split("\n")[0])
        page = next(t for t in requests.get(f"http://127.0.0.1:{port}/json/list", timeout=30).json() if t["type"] == "page")
        self.socket = connect(page["webSocketDebuggerUrl"], max_size=1 << 26, compression=None)
        self.requests, self.problems, self._answers = [], [], {}
        # Messages of the page's WebSockets: connection → what was sent, what came.
        self.sent, self.received = {}, {}
        self._count, self._news = 0, threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.size(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.call("Browser.close")
        except Exception:  # it may be gone already, or never have come
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def _read(self):
        try:
            for message in self.socket:
                self._take(json.loads(message))
        except ConnectionClosed:
            pass
        with self._news:
            self._answers = None
            self._news.notify_all()

    def _take(self, message):
        kind, data = message.get("method"), message.get("params", {})
        with self._news:
            if "id" in message:
                self._answers[message["id"]] = message
                self._news.notify_all()
            elif kind == "Network.requestWillBeSent":
                self.requests.append(data["request"]["url"])
            elif kind == "Network.webSocketCreated":
                self.requests.append(data["url"])
            elif kind == "Network.webSocketFrameSent":
                self.sent.setdefault(data["requestId"], []).append(data["response"]["payloadData"])
            elif kind == "Network.webSocketFrameReceived":
                self.received.setdefault(data["requestId"], []).append(data["response"]["payloadData"])
            elif kind == "Runtime.exceptionThrown":
                details = data["exceptionDetails"]
                self.problems.append("exception: " + details.get("exception", {}).get("description", details["text"]))
            elif kind == "Runtime.consoleAPICalled" and data["type"] in ("error", "assert"):
                self.problems.append("console: " + " ".join(str(a.get("value", a.get("description"))) for a in data["args"]))
            elif kind == "Log.entryAdded" and data["entry"]["level"] == "error":
                self.problems.append(f"{data['entry']['source']}: {data['entry']['text']} {data['entry'].get('url', '')}")

    def call(self, method: str, **params):
        with self._news:
            self._count += 1
            number = self._count
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        with self._news:
            assert self._news.wait_for(lambda: self._answers is None or number in self._answers, 60), f"{method}: no answer"
            assert self._answers is not None, f"{method}: the browser is gone"
            answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, url: str):
        self.call("Page.navigate", url=url)

    def js(self, expression: str):
        """The value of an expression in the page, awaited if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 30):
        """Until an expression is true; what it throws until then, because an element is not there yet, is no answer."""
        guarded = f"(() => {{ try {{ return {expression}; }} catch {{ return false; }} }})()"
        deadline = time.monotonic() + seconds
        while True:
            value = self.js(guarded)
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {seconds} s: {expression}; problems: {self.problems[-5:]}"
            self.js("new Promise(requestAnimationFrame)")

    def key(self, key: str):
        code = KEYS.get(key, ord(key[0].upper()))
        text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
        event = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def write(self, text: str):
        for letter in text:
            self.key(letter)

    def size(self, width: int, height: int, is_phone: bool = False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone)

    def scheme(self, scheme: str):
        """Colours as the system of the reader wants them: `light`, `dark`."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: pathlib.Path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def colours(self, selector: str) -> Counter:
        """What is drawn where an element is: colour (red, green, blue) → number of pixels."""
        box = self.js(f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
                      " return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height, scale: 1}; })()")
        picture = self.call("Page.captureScreenshot", format="png", clip=box, captureBeyondViewport=True)["data"]
        return Counter(pixels(base64.b64decode(picture)))


def pixels(png: bytes):
    """The pixels of a PNG of 8 bits a channel, without a library for pictures: the five filters undone line by line."""
    at, data, width, channels = 8, b"", 0, 3
    while at < len(png):
        length, kind = int.from_bytes(png[at:at + 4], "big"), png[at + 4:at + 8]
        if kind == b"IHDR":
            width, channels = int.from_bytes(png[at + 8:at + 12], "big"), {2: 3, 6: 4}[png[at + 17]]
        elif kind == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += length + 12
    raw, step = zlib.decompress(data), width * channels
    above = bytearray(step)
    for start in range(0, len(raw), step + 1):
        line, kind = bytearray(raw[start + 1:start + 1 + step]), raw[start]
        for i in range(step if kind else 0):
            left = line[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            if kind == 4:
                p = left + above[i] - corner
                guess = min((abs(p - left), 0, left), (abs(p - above[i]), 1, above[i]), (abs(p - corner), 2, corner))[2]
            else:
                guess = (left, above[i], (left + above[i]) // 2)[kind - 1]
            line[i] = (line[i] + guess) & 255
        above = line
        yield from zip(*(line[c::channels] for c in range(3)))
