"""When venues trade: the operator's file and what providers tell, over what is bundled; each day says where it is from."""

import datetime

from fakes import FakeVendor
from hubprocess import Hub, run
from test_indian_vendors import UPSTOX, until

FILES = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
calendars:
  SIM: { like: nse, file: calendars/sim.csv }
  NYSE: { file: calendars/nyse.csv }
providers:
  sim: { plugin: simulator, settings: { rate: 50 } }
pipelines:
  demo: { from: [sim], instruments: ["SIM:A", "OTHER:A"] }
"""


def days(hub, venue, first, last):
    rows = hub.json("/v1/market/calendar", venue=venue, ts="iso", **{"from": first, "to": last})["data"]
    return {row["date"]: row for row in rows}


def test_the_days_of_a_file_stand_over_the_bundled_ones(start_hub, tmp_path):
    folder = tmp_path / "hub" / "calendars"
    folder.mkdir(parents=True)
    today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=5, minutes=30))).date()
    around = [today + datetime.timedelta(days=n) for n in (-1, 0, 1)]
    (folder / "sim.csv").write_text(
        "date,name,open,close\n" + "".join(f"{day},Moving house,,\n" for day in around) + "2025-06-07,A Saturday,10:00,12:00\n")
    (folder / "nyse.csv").write_text("date,name,open,close\n2025-07-04,,09:30,16:00\n")
    hub = start_hub(FILES)
    status = hub.json("/v1/market/status", venue="SIM")
    assert (status["phase"], status["holiday"], status["source"]) == ("closed", "Moving house", "file")
    assert status["next_open"] > status["time"]
    saturday = days(hub, "SIM", "2025-06-06", "2025-06-09")
    assert [row["source"] for row in saturday.values()] == ["calendar", "file", "calendar"]
    row = saturday["2025-06-07"]
    assert row["open"] and row["special"] and row["holiday"] == "A Saturday"
    assert row["sessions"][-1] == {
        "phase": "open", "from": "2025-06-07T04:30:00.000000000Z", "to": "2025-06-07T06:30:00.000000000Z"}
    # Without `like` it is the venue's own calendar, and only the days of the file differ.
    nyse = days(hub, "NYSE", "2025-07-03", "2025-07-05")
    assert nyse["2025-07-04"]["open"] and nyse["2025-07-04"]["source"] == "file"
    assert nyse["2025-07-03"]["source"] == "calendar"
    # Prices say that the market is shut.
    quote = until(lambda: hub.get("/v1/quotes/SIM:A").json(), lambda answer: "phase" in answer)
    assert quote["phase"] == "closed" and not quote["stale"]
    quote = until(lambda: hub.get("/v1/quotes/OTHER:A").json(), lambda answer: "phase" in answer)
    assert quote["phase"] == "open"


def test_a_mistake_in_a_file_is_told_with_its_place_there(tmp_path):
    (tmp_path / "days.csv").write_text("date,name,open,close\n2025-07-04,Independence Day,,\n2025-07-05,Half,9.30,13:00\n")
    (tmp_path / "hub.yaml").write_text(FILES.replace("calendars/sim.csv", "days.csv").replace("calendars/nyse.csv", "days.csv"))
    checked = run("check", str(tmp_path / "hub.yaml"), cwd=tmp_path)
    assert checked.returncode == 1
    assert "days.csv:3:17: error: calendars.SIM.file" in checked.stdout + checked.stderr


def test_holidays_that_a_provider_tells_are_shown_as_its(tmp_path):
    with FakeVendor("upstox") as fake:
        hub = Hub(tmp_path, UPSTOX.format(fake=fake, token="faketoken")).start()
        try:
            year = datetime.date.today().year
            row = until(
                lambda: days(hub, "NSE", f"{year}-04-01", f"{year}-04-02")[f"{year}-04-01"],
                lambda row: row["source"] == "upstox")
            # The vendor calls the day a holiday, and everything is open.
            assert row["open"] and row["holiday"] == "Annual Bank Closing"
            republic = days(hub, "NSE", f"{year}-01-26", f"{year}-01-27")[f"{year}-01-26"]
            assert not republic["open"] and republic["source"] == "upstox" and not republic["sessions"]
            evening = days(hub, "NSE", f"{year}-11-08", f"{year}-11-09")[f"{year}-11-08"]
            assert evening["sessions"][-1]["from"].endswith("T12:30:00.000000000Z")
            # Asked once; the answer is kept.
            asked = [entry for entry in fake.requests() if "/v2/market/holidays" in entry["path"]]
            assert len(asked) == 1, asked
        finally:
            assert hub.stop() == 0
