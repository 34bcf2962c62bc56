"""The page at / as a reader uses it: in a browser, looking at what is drawn."""

import json
import os
import subprocess
import time

import pytest
import requests

from browser import Browser
from hubprocess import ROOT, Hub, binary

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, heartbeat: 1s }
providers:
  simulator: { plugin: simulator, settings: { seed: 3, rate: 100, kinds: [trade, quote, book], history: 1d } }
indicators:
  momentum: { plugin: ta, settings: { outputs: ["sma(5)", "rsi(5)"], intervals: [1s, 1m] } }
pipelines:
  demo:
    from: [simulator]
    instruments: ["SIM:ALPHA", "SIM:BETA", "SIM:GAMMA"]
    kinds: [trade, quote, book]
    bars: [1s, 1m, 5m]
    indicators: [momentum]
"""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    # As the Makefile does after a build: the chart's script beside the binary.
    subprocess.run([ROOT / "scripts/fetch-web-assets", os.path.dirname(os.path.realpath(binary()))], check=True)
    hub = Hub(tmp_path_factory.mktemp("page"), CONFIGURATION).start()
    yield hub
    hub.process.kill()
    hub.process.wait(10)


@pytest.fixture
def page(hub, tmp_path):
    with Browser(tmp_path / "browser") as browser:
        browser.scheme("light")
        browser.open(hub.url + "/")
        ready(browser)
        yield browser
        assert browser.problems == []
        own = f"127.0.0.1:{hub.port}/"
        assert [url for url in browser.requests if own not in url] == []


def ready(browser):
    browser.wait("document.querySelectorAll('#instruments li').length === 3")
    browser.wait("document.querySelector('#connection').dataset.state === 'live'")
    browser.wait("document.querySelectorAll('.pane.candles canvas').length > 0")


def text(browser, selector):
    return browser.js(f"document.querySelector({json.dumps(selector)}).textContent")


def colour(browser, name):
    """A colour of the style sheet as it is in force now."""
    value = browser.js(
        f"(() => {{ const e = document.createElement('i'); e.className = 'colour-{name}'; document.body.append(e);"
        " const c = getComputedStyle(e).color; e.remove(); return c; })()")
    return tuple(int(part) for part in value[4:-1].split(","))


def row(symbol):
    return f"#instruments li[data-symbol='{symbol}']"


def test_prices_move_in_the_list_the_headline_the_depth_and_the_trades(page):
    for selector in (row("SIM:ALPHA") + " .last", row("SIM:BETA") + " .last", "#last", "#bids", "#tape"):
        before = text(page, selector)
        page.wait(f"document.querySelector({json.dumps(selector)}).textContent !== {json.dumps(before)}")
    assert page.js("document.querySelectorAll('#asks tr:not([hidden])').length") > 1


def test_candles_are_drawn_in_both_colours_and_the_last_one_goes_on(page):
    page.wait("document.querySelector('#legend').textContent.includes('forming')")
    drawn = page.colours(".pane.candles")
    assert drawn[colour(page, "up")] > 50 and drawn[colour(page, "down")] > 50, drawn.most_common(8)
    legend = text(page, "#legend")
    page.wait(f"document.querySelector('#legend').textContent !== {json.dumps(legend)}")


def test_the_indicators_of_the_pipeline_are_drawn_over_the_candles_and_below_them(page):
    page.js("document.querySelector('#intervals input[value=\"1s\"]').click()")
    page.wait("document.querySelectorAll('.pane.study canvas').length > 0")
    assert page.js("[...document.querySelectorAll('#indicators button')].map(b => b.textContent).sort().join()") == "rsi(5),sma(5)"
    deadline = time.monotonic() + 30
    while True:
        over, below = page.colours(".pane.candles"), page.colours(".pane.study")
        lines = [colour(page, name) for name in ("line1", "line2")]
        if over[lines[0]] > 20 and below[lines[1]] > 20:
            break
        assert time.monotonic() < deadline, (over.most_common(8), below.most_common(8))


def test_the_colours_follow_the_system_and_the_switch(page):
    light = page.js("getComputedStyle(document.body).backgroundColor")
    up = colour(page, "up")
    page.scheme("dark")
    page.wait(f"getComputedStyle(document.body).backgroundColor !== '{light}'")
    assert colour(page, "up") != up
    page.wait("document.querySelector('#legend').textContent !== ''")
    # The chart is drawn anew behind the page, and prices have to go both ways.
    end = time.monotonic() + 30
    while True:
        drawn = page.colours(".pane.candles")
        if drawn[colour(page, "up")] > 50 and drawn[colour(page, "down")] > 50:
            break
        assert time.monotonic() < end, "the chart changes with the page"
        time.sleep(0.2)
    page.js("document.querySelector('#theme').click()")
    assert page.js("getComputedStyle(document.body).backgroundColor") == light
    assert text(page, "#theme") == "Light"
    page.open(page.js("location.href"))
    ready(page)
    assert page.js("getComputedStyle(document.body).backgroundColor") == light, "the choice is remembered"


def test_the_keyboard_is_enough_to_find_an_instrument(page):
    page.key("/")
    assert page.js("document.activeElement.id") == "search"
    page.write("gam")
    page.wait("document.querySelectorAll('#instruments li').length === 1")
    page.key("Enter")
    page.wait("document.querySelector('#symbol').textContent === 'SIM:GAMMA'")
    page.wait(f"document.querySelector(\"{row('SIM:GAMMA')}\").getAttribute('aria-selected') === 'true'")
    page.key("Escape")
    page.wait("document.querySelectorAll('#instruments li').length === 3")
    page.key("ArrowUp")
    page.key("ArrowUp")
    assert page.js("document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).dataset.symbol") == "SIM:ALPHA"
    # The list alone, and the outline that shows where one is.
    page.js("document.querySelector('#theme').focus()")
    for _ in range(3):
        page.key("Tab")
        if page.js("document.activeElement.id") == "instruments":
            break
    assert page.js("document.activeElement.id") == "instruments"
    assert page.js("document.activeElement.matches(':focus-visible')")
    page.key("End")
    page.key("ArrowUp")
    page.key("Enter")
    page.wait("document.querySelector('#symbol').textContent === 'SIM:BETA'")
    page.wait("location.hash === '#SIM:BETA/1m'")


def test_an_interval_is_chosen_and_stands_in_the_address(page):
    page.js("document.querySelector('#intervals input:checked').focus()")
    page.key("ArrowRight")
    page.wait("location.hash === '#SIM:ALPHA/5m'")
    page.wait("document.querySelectorAll('.pane.study').length === 0")
    page.js("document.querySelector('#intervals input[value=\"1s\"]').click()")
    page.wait("document.querySelectorAll('.pane.study').length === 1")
    page.js("document.querySelector('#indicators button[data-name=\"rsi(5)\"]').click()")
    page.wait("document.querySelectorAll('.pane.study').length === 0")
    address = page.js("location.href")
    page.open("about:blank")
    page.open(address)
    page.wait("document.querySelector('#intervals input:checked')?.value === '1s'")
    page.wait("document.querySelector('#indicators button[data-name=\"rsi(5)\"]')?.getAttribute('aria-pressed') === 'false'")


def test_older_bars_come_when_the_reader_scrolls_there(page):
    page.wait("document.querySelector('#legend').textContent !== ''")
    asked = len([url for url in page.requests if "/v1/bars/" in url])
    box = page.js("(() => { const b = document.querySelector('.pane.candles').getBoundingClientRect(); return [b.x + 200, b.y + 100]; })()")
    deadline = time.monotonic() + 30
    while len([url for url in page.requests if "/v1/bars/" in url]) == asked:
        assert time.monotonic() < deadline
        page.call("Input.dispatchMouseEvent", type="mouseWheel", x=box[0], y=box[1], deltaX=-400, deltaY=0)
        page.js("new Promise(requestAnimationFrame)")


def test_a_phone_shows_everything_without_scrolling_sideways(page):
    page.size(360, 780, is_phone=True)
    page.wait("document.documentElement.clientWidth === 360")
    page.wait("document.querySelector('.pane.candles').clientWidth < 360")
    assert page.js("document.documentElement.scrollWidth") <= 360
    # The depth is there with the first book.
    page.wait("document.querySelector('#bids').getBoundingClientRect().height > 0")
    for selector in ("#search", "#instruments", "#symbol", ".pane.candles", "#bids", "#tape", "#providers", "#gaps"):
        left, right, height = page.js(
            f"(() => {{ const b = document.querySelector('{selector}').getBoundingClientRect(); return [b.left, b.right, b.height]; }})()")
        assert height > 0 and left >= 0, selector
        assert right <= 360 or selector in ("#providers", "#gaps"), "only tables scroll, each by itself"


def test_health_shows_sources_pipelines_and_gaps(page):
    page.wait("document.querySelector('#providers tbody').textContent.includes('simulator')")
    assert "ok" in text(page, "#providers tbody") and "demo" in text(page, "#pipelines tbody")
    assert page.js("document.querySelectorAll('#gaps tbody tr').length") > 0


def test_without_the_charts_script_the_page_says_so_and_does_everything_else(hub, tmp_path):
    with Browser(tmp_path / "browser") as page:
        page.call("Network.setBlockedURLs", urls=["*lightweight-charts.js"])
        page.open(hub.url + "/")
        page.wait("document.querySelector('#chart-note').textContent.includes('scripts/fetch-web-assets')")
        before = text(page, "#tape")
        page.wait(f"document.querySelector('#tape').textContent !== {json.dumps(before)}")


def events_of(browser, type_):
    """Positions of one type in the order in which the page got them, of the connections that asked for books: the focus."""
    seqs = []
    for connection, sent in browser.sent.items():
        if any('"book"' in message for message in sent):
            for message in browser.received.get(connection, []):
                seqs += [o["seq"] for o in json.loads(message) if o["type"] == type_ and "as_of" not in o]
    return seqs


def test_after_a_kill_the_page_goes_on_where_it_was(page, hub):
    page.wait("document.querySelector('#tape').textContent !== ''")
    hub.kill()
    page.wait("document.querySelector('#connection').dataset.state === 'waiting'")
    hub.start()
    page.wait("document.querySelector('#connection').dataset.state === 'live'")
    head = hub.json("/v1/status")["hub"]["head"]
    deadline = time.monotonic() + 30
    while events_of(page, "trade")[-1] <= head:
        assert time.monotonic() < deadline
        page.js("new Promise(requestAnimationFrame)")
    got = events_of(page, "trade")
    stored = [e["seq"] for e, _ in hub.events(symbols="SIM:ALPHA", types="trade", after=got[0] - 1)]
    assert got == stored[: len(got)], "nothing is missing, nothing came twice"
    before = text(page, "#tape")
    page.wait(f"document.querySelector('#tape').textContent !== {json.dumps(before)}")
    # What the browser itself says of the cut is no fault of the page.
    page.problems[:] = [p for p in page.problems if not p.startswith("network:")]


@pytest.mark.slow
def test_two_hundred_instruments_and_a_thousand_events_a_second_are_shown_without_a_fault(start_hub, tmp_path):
    names = ", ".join(f'"SIM:S{number:03}"' for number in range(200))
    listed = '"SIM:ALPHA", "SIM:BETA", "SIM:GAMMA"'
    hub = start_hub(CONFIGURATION.replace("rate: 100", "rate: 1000").replace("history: 1d", "history: 0").replace(listed, names))
    with Browser(tmp_path / "browser") as page:
        page.call("Performance.enable")
        page.open(hub.url + "/")
        page.wait("document.querySelectorAll('#instruments li').length === 200")
        page.wait("document.querySelector('#connection').dataset.state === 'live'")
        page.wait("document.querySelector('.pane.candles canvas') !== null")

        def spent():
            found = {m["name"]: m["value"] for m in page.call("Performance.getMetrics")["metrics"]}
            return sum(found[name] for name in ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration"))

        before, received = spent(), sum(map(len, page.received.values()))
        frames = page.js("new Promise(done => { let frames = 0; const count = () => { frames += 1; requestAnimationFrame(count); };"
                         " count(); setTimeout(() => done(frames), 5000); })")
        busy = (spent() - before) / 5
        print(f"{frames / 5:.0f} frames/s, {100 * busy:.0f} % of the time for script, style and layout")
        assert sum(map(len, page.received.values())) > received
        # How fast is the machine's business; that it goes on is the page's.
        assert frames > 0
        assert page.problems == []


def test_the_page_is_kept_by_browsers_until_it_changes(hub):
    first = hub.get("/")
    assert first.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in first.headers["Content-Security-Policy"]
    for path in ("/", "/page/main.js", "/page/lightweight-charts.js"):
        tag = hub.get(path).headers["ETag"]
        again = requests.get(hub.url + path, headers={"If-None-Match": tag}, timeout=30)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert requests.head(hub.url + path, timeout=30).status_code == 200
    assert requests.post(hub.url + "/", timeout=30).status_code == 405


def test_hub_page_false_takes_it_away(start_hub):
    hub = start_hub(CONFIGURATION.replace("heartbeat: 1s", "heartbeat: 1s, page: false"))
    assert hub.get("/").status_code == 404
    assert hub.get("/page/main.js").json()["code"] == "unknown_route"
