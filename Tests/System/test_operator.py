"""What operators meet: mistakes in hub.yaml, plugins that are none, folders that cannot be used."""

import os
import pathlib
import subprocess
import textwrap

import pytest

from hubprocess import Hub, binary, run

SIMULATOR = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  simulator: { plugin: simulator, settings: { seed: 1, rate: 50, history: 0 } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:A"], bars: [1s, 1m] }
"""


def check(tmp_path, text: str):
    path = tmp_path / "hub.yaml"
    path.write_text(textwrap.dedent(text))
    return run("check", str(path), cwd=tmp_path)


def test_check_of_the_repositorys_configuration_is_clean():
    root = pathlib.Path(__file__).resolve().parents[2]
    result = run("check", str(root / "hub.yaml"))
    assert result.returncode == 0, result.stdout + result.stderr


def test_check_names_every_mistake_with_place_and_cure(tmp_path):
    result = check(tmp_path, """\
        providers:
          simulator:
            plugin: simulator
            settings: { sed: 1 }
          tape: { plugin: repaly, settings: { } }
        pipelines:
          demo:
            from: [simulator]
            instruments: ["SIM:A"]
            bars: [1m, 7m]
        """)
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert "hub.yaml:4:17: error: providers.simulator.settings.sed" in text and "did you mean 'seed'" in text
    assert "did you mean 'replay'" in text
    assert "7m" in text and "hub.yaml:10:16" in text
    assert "^" in text


def test_malformed_yaml_is_reported_with_its_place(tmp_path):
    result = check(tmp_path, "providers: { simulator: { plugin: simulator }\npipelines: [\n")
    assert result.returncode != 0
    assert "hub.yaml:" in result.stdout + result.stderr


def test_a_tab_is_named_as_such(tmp_path):
    result = check(tmp_path, "providers:\n\tsimulator: { plugin: simulator }\n")
    assert result.returncode != 0
    assert "tab" in (result.stdout + result.stderr).lower()


def compile_plugin(folder: pathlib.Path, name: str, source: str) -> pathlib.Path:
    include = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "PluginABI" / "include"
    target = folder / f"lib{name}.so"
    (folder / f"{name}.c").write_text(source)
    subprocess.run(
        ["cc", "-shared", "-fPIC", f"-I{include}", "-o", str(target), str(folder / f"{name}.c")], check=True)
    return target


def test_libraries_that_are_no_plugins_are_refused_in_words(tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "libtext.so").write_text("I am not a shared object\n")
    compile_plugin(plugins, "noentry", "int nothing(void) { return 1; }\n")
    compile_plugin(plugins, "crash", "#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { abort(); }\n")
    path = tmp_path / "hub.yaml"
    path.write_text(SIMULATOR.replace("PORT", "0"))
    result = run("plugin", "list", "--config", str(path), cwd=tmp_path)
    text = result.stdout + result.stderr
    assert "simulator" in text
    for name in ("libtext.so", "libnoentry.so", "libcrash.so"):
        assert name in text, text
    assert "SIGABRT" in text or "crash" in text.lower()


def test_two_hubs_on_one_data_folder_the_second_names_the_first(start_hub):
    hub = start_hub(SIMULATOR)
    second = run("run", str(hub.configuration), "--set", "hub.listen=127.0.0.1:0", cwd=hub.folder, timeout=60)
    assert second.returncode != 0
    assert str(hub.process.pid) in second.stdout + second.stderr


def test_an_unwritable_data_folder_is_named(tmp_path):
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    path = tmp_path / "hub.yaml"
    path.write_text(SIMULATOR.replace("PORT", "0"))
    result = run("run", str(path), cwd=tmp_path, timeout=60)
    assert result.returncode != 0
    assert "data" in result.stderr + result.stdout


def test_a_journal_of_a_newer_format_is_refused(start_hub):
    hub = start_hub(SIMULATOR)
    hub.stop()
    segments = sorted(p for p in (hub.folder / "data").rglob("*") if p.is_file() and p.stat().st_size >= 1 << 20)
    assert segments
    with open(segments[-1], "r+b") as f:
        head = f.read(64)
        # The format version is the 32-bit number behind the 8 bytes of the magic.
        f.seek(8)
        f.write((99).to_bytes(4, "little"))
        assert head[8:12] != (99).to_bytes(4, "little")
    result = run("run", str(hub.configuration), cwd=hub.folder, timeout=60)
    assert result.returncode != 0
    assert "99" in result.stdout + result.stderr


def test_version_names_hub_abi_and_journal_format():
    result = run("version")
    assert result.returncode == 0
    assert "ABI" in result.stdout and "journal" in result.stdout


def test_every_command_has_help_with_an_example():
    for command in ("run", "check", "journal dump", "journal verify", "plugin list", "plugin show", "query bars",
                    "query trades", "query quotes", "version"):
        result = run(*command.split(), "--help")
        assert result.returncode == 0, command
        assert "hub " + command.split()[0] in result.stdout, command


def test_the_c_example_is_built_outside_and_serves(start_hub, tmp_path):
    root = pathlib.Path(__file__).resolve().parents[2]
    include = root / "Sources" / "PluginABI" / "include"
    source = root / "Examples" / "c-provider"
    plugins = tmp_path / "hub" / "plugins"
    plugins.mkdir(parents=True)
    build = tmp_path / "c"
    subprocess.run(["cp", "-r", str(source), str(build)], check=True)
    subprocess.run(["make", "-s", "-C", str(build), f"HUB_INCLUDE={include}"], check=True)
    for library in build.glob("*.so"):
        library.rename(plugins / library.name)
    listed = run("plugin", "list", "--json", "--path", str(plugins))
    assert listed.returncode == 0, listed.stderr
    assert "sine" in listed.stdout
    hub = start_hub("""
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  wave: { plugin: sine, settings: { period: 30, amplitude: 5, rate: 50 } }
pipelines:
  waves: { from: [wave], instruments: ["SIM:SINE"], bars: [1s] }
""")
    import time

    while len(hub.json("/v1/trades/SIM:SINE", limit=10)["data"]) < 10:
        time.sleep(0.05)
    assert all(95 <= t["price"] <= 105 for t in hub.json("/v1/trades/SIM:SINE", limit=10)["data"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a small file system")
@pytest.mark.timeout(240)
def test_a_full_disk_pauses_intake_serves_history_and_goes_on(start_hub, tmp_path):
    import json
    import time

    import requests

    small = tmp_path / "hub" / "data"
    small.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(small)], check=True)
    try:
        hub = start_hub(SIMULATOR.replace("data: ./data", "data: ./data, retention: { min_free: 32MiB }"))
        ballast = small / "ballast"
        # The hub seeds its bars meanwhile: what is left is asked for again before every step.
        with open(ballast, "wb", buffering=0) as f:
            while (left := os.statvfs(small).f_bavail * os.statvfs(small).f_frsize) > 16 << 20:
                f.write(b"\0" * min(left - (16 << 20), 1 << 20))
        deadline = time.monotonic() + 60
        while requests.get(hub.url + "/readyz").status_code == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        answer = requests.get(hub.url + "/readyz")
        assert answer.status_code == 503 and "disk_full" in answer.text
        before = hub.json("/v1/trades/SIM:A", limit=10)["data"]
        assert before
        head = hub.json("/v1/status")["hub"]["head"]
        ballast.unlink()
        deadline = time.monotonic() + 60
        while requests.get(hub.url + "/readyz").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        deadline = time.monotonic() + 60
        while hub.json("/v1/status")["hub"]["head"] <= head + 20 and time.monotonic() < deadline:
            time.sleep(0.1)
        gaps = [event for event, _ in hub.events(types="*", symbols="*", after=0, limit=50000) if event["type"] == "gap"]
        assert any(gap["reason"] == "disk_full" for gap in gaps), gaps
        seqs = [event["seq"] for event, _ in hub.events(types="*", symbols="*", after=0, limit=50000)]
        assert seqs == list(range(1, len(seqs) + 1))
        hub.stop()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)
