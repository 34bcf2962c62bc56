"""The example clients, as they stand in Examples/: the hub is killed under them, and what they print is complete."""

import json
import shutil
import subprocess
import sys

import pytest

from hubprocess import ROOT

EXAMPLES = ROOT / "Examples"
CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, heartbeat: 500ms }
providers:
  simulator: { plugin: simulator, settings: { seed: 11, rate: 400, kinds: [trade], history: 0 } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:ALPHA", "SIM:BETA"], kinds: [trade], bars: [1s] }
"""


class Client:
    """A running example. Its output is read as it comes."""

    def __init__(self, command, hub, count):
        self.process = subprocess.Popen(
            [*map(str, command), "--symbols", "SIM:*", "--types", "trade,bar:1s", "--count", str(count), "--cursor", "cursor.txt"],
            stdout=subprocess.PIPE, stderr=open(hub.folder / "client.log", "ab"), stdin=subprocess.DEVNULL, cwd=hub.folder)

    def lines(self, count=None):
        """So many lines, or all that come until it ends."""
        if count is not None:
            return [self.process.stdout.readline() for _ in range(count)]
        rest = self.process.stdout.readlines()
        assert self.process.wait(60) == 0
        return rest


def survive(start_hub, command, scheme):
    hub = start_hub(CONFIGURATION)
    command = [*command, "--url", f"{scheme}://127.0.0.1:{hub.port}"]
    client = Client(command, hub, count=1500)
    try:
        printed = client.lines(300)
        hub.kill()
        hub.start()
        printed += client.lines(300)
        hub.kill()
        hub.start()
        printed += client.lines()
        # And once more from the file, as after a restart of the client itself.
        client = Client(command, hub, count=200)
        printed += client.lines()
    finally:
        if client.process.poll() is None:
            client.process.kill()
            client.process.wait(10)
    got = [json.loads(line) for line in printed]
    stored = [event for event, _ in hub.events(symbols="SIM:*", types="trade,bar:1s", after=0)][: len(got)]
    assert len(got) == 1700
    assert [event["seq"] for event in got] == [event["seq"] for event in stored], "nothing is missing, nothing came twice"
    assert got == stored


@pytest.fixture(scope="module")
def swift_client():
    scratch = ROOT / ".build-swift-client"
    build = ["swift", "build", "--package-path", EXAMPLES / "swift-client", "--scratch-path", scratch]
    subprocess.run(build, check=True, capture_output=True, timeout=500)
    return scratch / "debug/follow"


@pytest.mark.timeout(180)
def test_the_python_client_misses_nothing_when_the_hub_is_killed(start_hub):
    survive(start_hub, [sys.executable, EXAMPLES / "python-client/follow.py"], "ws")


@pytest.mark.timeout(180)
def test_the_javascript_client_misses_nothing_when_the_hub_is_killed(start_hub):
    survive(start_hub, [shutil.which("node"), EXAMPLES / "javascript-client/follow.js"], "http")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_swift_client_misses_nothing_when_the_hub_is_killed(start_hub, swift_client):
    survive(start_hub, [swift_client], "http")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_swift_client_says_why_the_hub_refuses_it(start_hub, swift_client, tmp_path):
    hub = start_hub(CONFIGURATION)
    ended = subprocess.run(
        [swift_client, "--url", hub.url, "--types", "nonsense", "--cursor", tmp_path / "cursor.txt"],
        capture_output=True, timeout=60, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("the hub refuses this (400): {") and "nonsense" in ended.stderr


@pytest.mark.parametrize("file", ["python-client/follow.py", "javascript-client/hub.js", "swift-client/Sources/main.swift"])
def test_an_example_is_short_enough_to_be_read(file):
    assert len((EXAMPLES / file).read_text().splitlines()) < 80
