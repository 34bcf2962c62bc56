"""`hub check --connect`: whether each provider's vendor is there and takes the credentials, without running the hub."""

import json

from fakes import FakeVendor
from hubprocess import free_port, run

CONFIGURATION = """
hub: {{ listen: 127.0.0.1:0, data: ./data }}
providers:
  upstox:
    plugin: upstox
    settings: {{ access_token: {token}, rest_url: "{upstox.url}", websocket_url: "{upstox.websocket_url}" }}
  finnhub:
    plugin: finnhub
    settings: {{ api_key: fakekey, rest_url: "{finnhub}/api/v1", websocket_url: "{websocket}" }}
  sim: {{ plugin: simulator }}
pipelines:
  india: {{ from: [upstox], instruments: ["NSE:INFY"], kinds: [tick] }}
  us: {{ from: [finnhub], instruments: ["NASDAQ:AAPL"], kinds: [trade] }}
  made: {{ from: [sim], instruments: ["SIM:A"] }}
"""


def check(folder, *arguments):
    return run("check", str(folder / "hub.yaml"), "--connect", *arguments, cwd=folder)


def test_every_provider_that_is_let_in_is_named_and_nothing_is_left_behind(tmp_path):
    with FakeVendor("upstox") as upstox, FakeVendor("finnhub") as finnhub:
        (tmp_path / "hub.yaml").write_text(CONFIGURATION.format(
            upstox=upstox, token="faketoken", finnhub=finnhub.url, websocket=finnhub.websocket_url))
        checked = check(tmp_path)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "upstox (upstox): reached after" in checked.stdout
        assert "finnhub (finnhub): reached after" in checked.stdout
        assert "sim (simulator): has no vendor" in checked.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hub.yaml"]


def test_who_is_not_let_in_or_not_there_is_told_with_the_reason_and_code_2(tmp_path):
    with FakeVendor("upstox") as upstox:
        nowhere = f"127.0.0.1:{free_port()}"
        (tmp_path / "hub.yaml").write_text(CONFIGURATION.format(
            upstox=upstox, token="long-dead", finnhub=f"http://{nowhere}", websocket=f"ws://{nowhere}"))
        checked = check(tmp_path, "--json", "--timeout", "5")
        assert checked.returncode == 2, checked.stdout + checked.stderr
        answer = json.loads(checked.stdout)
        states = {row["provider"]: row for row in answer["providers"]}
        assert not [one for one in answer["diagnostics"] if one.get("severity") == "error"]
        assert states["upstox"]["state"] == "auth_needed" and not states["upstox"]["reached"]
        assert states["upstox"]["reason"]
        assert states["finnhub"]["state"] == "reconnecting" and not states["finnhub"]["reached"]
        assert states["sim"]["reached"]
        text = check(tmp_path, "--timeout", "2")
        assert text.returncode == 2 and "finnhub (finnhub): not reached within" in text.stdout
        assert "upstox (upstox): auth_needed" in text.stdout


def test_mistakes_are_one_json_document(tmp_path):
    (tmp_path / "hub.yaml").write_text("hub: { listne: 127.0.0.1:0 }\nproviders: { sim: { plugin: simulator } }\n"
                                       "pipelines: { made: { from: [sim], instruments: [\"SIM:A\"] } }\n")
    plain = run("check", str(tmp_path / "hub.yaml"), "--json", cwd=tmp_path)
    assert plain.returncode == 1
    mistake = next(one for one in json.loads(plain.stdout) if one["severity"] == "error")
    assert (mistake["line"], mistake["column"]) == (1, 8) and "listen" in mistake["message"]
    # What cannot run is not connected.
    answer = check(tmp_path, "--json")
    assert answer.returncode == 1 and json.loads(answer.stdout)["providers"] == []
