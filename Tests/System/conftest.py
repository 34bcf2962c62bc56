import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from hubprocess import Hub  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long; `make check` runs it, `make test` does not")


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
