import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from hubprocess import Hub  # noqa: E402


ROOM_NEEDED = 4 << 30


def pytest_sessionstart(session):
    """Hubs refuse intake on a full disk, as they should: every test would wait in vain, and none would say why."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < ROOM_NEEDED:
        pytest.exit(
            f"{tempfile.gettempdir()} has {free >> 20} MiB free and the tests need {ROOM_NEEDED >> 20}: make room, "
            "or name another folder in TMPDIR", returncode=3,
        )


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.register(FailureAtOnce(config), "failure-at-once")


class FailureAtOnce:
    """Tells of a failure when it happens: a run that is ended before its summary has named what failed."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        if not report.failed:
            return
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line("")
        terminal.write_line(f"FAILED {report.nodeid} ({report.when}, {report.duration:.1f} s)", red=True)
        for line in report.longreprtext.splitlines()[-60:]:
            terminal.write_line("    " + line)


@pytest.fixture
def start_hub(tmp_path):
    """Starts hubs and ends, by their process id, those that are still running afterwards."""
    hubs = []

    def start(configuration: str, *arguments: str, name: str = "hub", **options) -> Hub:
        hub = Hub(tmp_path / name, configuration)
        hubs.append(hub)
        return hub.start(*arguments, **options)

    yield start
    for hub in hubs:
        if hub.process is not None and hub.process.poll() is None:
            hub.process.kill()
            hub.process.wait(10)
