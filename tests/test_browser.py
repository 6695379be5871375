"""The dashboard in a real browser: every page in both themes, on a phone, without JavaScript, by keyboard, in print; and the ways through it."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.site import Site

PAGES = (
    "/",
    "/revenue",
    "/funnel",
    "/channels",
    "/channels?by=campaign",
    "/visitors",
    "/insight",
    "/data",
    "/survey",
    "/help",
    "/keys",
    "/metrics",
    "/metrics/mrr",
    "/metrics/cac",
    "/metrics/customer_churn_rate?by=channel",
    "/metrics/curn",
)
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
WIDE: ViewportSize = {"width": 1366, "height": 768}
PHONE: ViewportSize = {"width": 360, "height": 740}
ZOOMED: ViewportSize = {"width": 683, "height": 384}
"""The wide screen at 200 %."""
CUT_OFF = """() => [...document.querySelectorAll('body *')].filter(one => {
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  if (!box.width || !one.checkVisibility() || one.closest('svg, .visually-hidden, .for, .skip')) return false;
  const hides = axis => ['hidden', 'clip'].includes(style['overflow' + axis]);
  const cut = (hides('X') && one.scrollWidth > one.clientWidth + 1) || (hides('Y') && one.scrollHeight > one.clientHeight + 1);
  return cut || (box.right > innerWidth + 1 && !one.closest('.scroll, .drawn, pre'));
}).map(one => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`)"""
"""What is cut off, or stands beyond the screen's edge without a scroll bar of its own."""


@pytest.fixture(scope="module")
def address(demo: Path) -> Iterator[str]:
    """A running server over the demo."""
    yield from running(demo)


def running(folder: Path, site: Site | None = None) -> Iterator[str]:
    """A server over a project, as long as it is needed."""
    server = uvicorn.Server(uvicorn.Config(application(site or Site(Place(folder))), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        yield one
        one.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A reader's window; whatever the console complains of fails the test."""
    context = browser.new_context(viewport=WIDE, base_url=address)
    yield from window(context)


def window(context: BrowserContext) -> Iterator[Page]:
    one = context.new_page()
    complaints: list[str] = []
    one.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    one.on("pageerror", lambda error: complaints.append(str(error)))
    yield one
    context.close()
    assert [text for text in complaints if "status of 4" not in text] == []


def settled(page: Page, url: str) -> None:
    """A page with everything on it."""
    page.goto(url)
    page.wait_for_selector("body:not([data-pending])", timeout=60_000)


def violations(page: Page) -> list[str]:
    # Every node is judged; only of those that fail, axe also writes down where they stand, which takes it longer than to judge them.
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:4]]}" for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_accessible_in_both_themes_and_whole_at_200_percent(browser: Browser, address: str, path: str, theme: str) -> None:
    for one in window(browser.new_context(viewport=WIDE, base_url=address, color_scheme=theme, reduced_motion="reduce")):  # type: ignore[arg-type]
        settled(one, path)
        assert violations(one) == []
        if theme == "light":
            one.set_viewport_size(ZOOMED)
            assert one.evaluate("document.documentElement.scrollWidth") <= 683
            assert one.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_cut_off_on_a_phone(browser: Browser, address: str, path: str) -> None:
    for one in window(browser.new_context(viewport=PHONE, base_url=address, is_mobile=True, has_touch=True)):
        settled(one, path)
        assert one.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(one) == []


def test_overview_fits_one_screen(page: Page) -> None:
    settled(page, "/")
    assert page.evaluate("document.documentElement.scrollHeight") <= 768
    expect(page.get_by_role("heading", level=1)).not_to_be_empty()
    expect(page.locator(".card")).to_have_count(12)


def test_a_page_that_was_coming_comes_by_itself(browser: Browser, demo: Path) -> None:
    site = Site(Place(demo))
    site.patience = 0.2
    for address in running(demo, site):
        for one in window(browser.new_context(viewport=WIDE, base_url=address)):
            with site.lock:
                one.goto("/visitors")
                expect(one.get_by_role("heading", level=1)).to_have_text("It is coming")
                assert violations(one) == []
            expect(one.get_by_role("heading", level=1)).to_contain_text("Visitors", timeout=60_000)


def test_a_goal_is_a_click_away_from_a_card(page: Page) -> None:
    settled(page, "/")
    link = page.get_by_label("Set a goal for MRR")
    expect(link).to_have_css("opacity", "0")
    link.focus()
    expect(link).to_have_css("opacity", "1")
    link.click()
    expect(page.get_by_role("button", name="Set the goal")).to_be_in_viewport()


def test_a_channel_narrows_the_page_and_back_goes_back(page: Page) -> None:
    settled(page, "/")
    before = page.locator(".card .value").all_inner_texts()
    page.get_by_role("rowheader", name="Organic Search").get_by_role("link").click()
    expect(page.get_by_label("Take off the filter Organic Search")).to_be_visible()
    assert "channel=Organic+Search" in page.url
    assert page.locator(".card .value").all_inner_texts() != before
    page.go_back()
    assert page.locator(".card .value").all_inner_texts() == before
    page.go_forward()
    page.get_by_label("Take off the filter Organic Search").click()
    expect(page.locator(".chips")).to_have_count(0)
    assert page.locator(".card .value").all_inner_texts() == before


def test_choosing_shows_at_once(page: Page) -> None:
    settled(page, "/")
    page.get_by_label("Period", exact=True).select_option("2026-09")
    page.wait_for_url("**period=2026-09**")
    expect(page.get_by_label("Period", exact=True)).to_have_value("2026-09")
    page.get_by_label("Comparison", exact=True).select_option("year")
    page.wait_for_url("**compare=year**")
    assert "period=2026-09" in page.url


def test_from_a_number_to_its_rows(page: Page) -> None:
    settled(page, "/")
    page.get_by_role("link", name="CAC", exact=True).first.click()
    page.wait_for_selector("body:not([data-pending])", timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("CAC")
    expect(page.locator("#rows")).to_contain_text("= the number")
    page.get_by_role("link", name="new customers", exact=True).first.click()
    expect(page.locator("#rows tbody tr").first).to_contain_text("stripe_subscriptions")
    page.get_by_text("As a table").first.click()
    expect(page.locator(".as-table table").first).to_be_visible()


def test_why_since_any_period(page: Page) -> None:
    settled(page, "/metrics/mrr?period=2026-10")
    page.get_by_label("Since another period").fill("2026-05")
    page.get_by_role("button", name="Since then").click()
    page.wait_for_url("**compare=2026-05**")
    page.wait_for_selector("body:not([data-pending])", timeout=60_000)
    expect(page.get_by_role("heading", name="Why it changed since May 2026")).to_be_visible()
    expect(page.locator("section[aria-labelledby=why-title]")).to_contain_text("(May 2026)")


def test_what_if_is_worked_out(page: Page) -> None:
    settled(page, "/metrics/cac")
    page.get_by_label("Suppose").fill("new_customers=+100%")
    page.get_by_role("button", name="Work it out").click()
    page.wait_for_url("**change=**")
    expect(page.locator("tr.own")).to_contain_text("CAC")
    page.get_by_label("Suppose").fill("nonsense")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_pages_work_without_javascript(browser: Browser, address: str) -> None:
    for one in window(browser.new_context(viewport=WIDE, base_url=address, java_script_enabled=False)):
        one.goto("/")
        one.get_by_label("Period", exact=True).select_option("2026-09")
        one.get_by_role("button", name="Show").click()
        expect(one.get_by_label("Period", exact=True)).to_have_value("2026-09")
        one.get_by_role("columnheader", name="Leads").get_by_role("link").click()
        assert "sort=-leads" in one.url
        leads = [int(text.replace(",", "")) for text in one.locator(".channels tbody tr td:nth-child(3)").all_inner_texts() if text != "–"]
        assert leads == sorted(leads, reverse=True)
        one.goto("/metrics/mrr?by=channel")
        expect(one.locator("figure.chart svg").first).to_be_visible()


def test_keys(page: Page) -> None:
    settled(page, "/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    page.keyboard.press("t")
    expect(page.get_by_label("Period", exact=True)).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/metrics/mrr**")
    page.keyboard.press("/")
    page.wait_for_url("**/metrics**#search")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("churn")
    expect(page.locator("tbody tr:visible")).not_to_have_count(0)
    assert all("churn" in name for name in page.locator("tbody tr:visible").evaluate_all("rows => rows.map(row => row.dataset.name)"))


def test_italian(browser: Browser, address: str) -> None:
    for one in window(browser.new_context(viewport=WIDE, base_url=address, locale="it-IT")):
        settled(one, "/")
        expect(one.locator("html")).to_have_attribute("lang", "it")
        expect(one.get_by_role("link", name="Panoramica")).to_be_visible()
        assert one.evaluate("document.documentElement.scrollHeight") <= 768
        one.get_by_role("link", name="English").click()
        expect(one.get_by_role("link", name="Overview")).to_be_visible()


def test_theme_and_hidden_values_are_in_the_address(page: Page) -> None:
    settled(page, "/")
    page.get_by_role("link", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") == "rgb(23, 21, 18)"
    page.get_by_role("link", name="Hide the values").click()
    assert "theme=dark" in page.url
    assert set(page.locator(".card .value").all_inner_texts()) <= {"•••", "–"}


def test_print_leaves_out_what_is_not_for_paper(page: Page) -> None:
    settled(page, "/metrics/mrr")
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).not_to_be_visible()
    expect(page.locator("form.asks")).not_to_be_visible()
    expect(page.locator("footer")).to_contain_text("EUR")
    assert len(page.pdf()) > 10_000


def test_a_mark_says_what_it_is(page: Page) -> None:
    settled(page, "/metrics/mrr")
    page.locator("figure.chart .mark-symbol [aria-label]").last.hover()
    expect(page.locator(".tip")).to_contain_text("€")


@pytest.fixture(scope="module")
def served(demo: Path) -> Iterator[str]:
    """`fari serve` as it is typed: the address it prints, which opens once."""
    command = [sys.executable, "-m", "fari", "-C", str(demo), "serve", "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


def test_the_printed_link_opens_once(browser: Browser, served: str) -> None:
    first, second = browser.new_context(viewport=WIDE), browser.new_context(viewport=WIDE)
    one, other = first.new_page(), second.new_page()
    one.goto(served)
    expect(one.locator(".card")).to_have_count(12)
    assert "token" not in one.url
    answer = other.goto(served)
    assert answer is not None
    assert answer.status == 401
    assert other.locator(".card").count() == 0
    one.reload()
    expect(one.locator(".card")).to_have_count(12)
    assert one.evaluate("document.cookie") == ""
    first.close()
    second.close()


# What people do here, on a company of their own ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ours(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server over a copy of the demo, to be written to."""
    folder = tmp_path_factory.mktemp("ours") / "demo"
    shutil.copytree(demo, folder)
    yield from running(folder)


@pytest.fixture
def desk(browser: Browser, ours: str) -> Iterator[Page]:
    yield from window(browser.new_context(viewport=WIDE, base_url=ours))


def test_files_are_looked_at_imported_and_taken_back(desk: Page, tmp_path: Path) -> None:
    file = tmp_path / "spend.csv"
    file.write_text("day,amount,currency,channel,kind\n2026-10-05,1000000,EUR,Email,ads\nsoon,5,EUR,Email,ads\n", encoding="utf-8")
    settled(desk, "/metrics/acquisition_spend?period=2026-10")
    before = desk.locator("h1 > span").first.get_attribute("title")
    settled(desk, "/data")
    desk.get_by_label("Files your tools export").set_input_files(file)
    desk.get_by_role("button", name="See what they would do").click()
    expect(desk.get_by_role("status")).to_contain_text("Nothing is changed yet")
    expect(desk.locator("main")).to_contain_text("soon")
    with desk.expect_download() as download:
        desk.get_by_role("link", name="1 rejected rows as CSV").click()
    assert "soon" in Path(download.value.path()).read_text(encoding="utf-8")
    desk.get_by_role("button", name="Import these files").click()
    expect(desk.get_by_role("status")).to_contain_text("imported")
    settled(desk, "/metrics/acquisition_spend?period=2026-10")
    assert float(desk.locator("h1 > span").first.get_attribute("title") or 0) == pytest.approx(float(before or 0) + 1_000_000)
    settled(desk, "/data#imports")
    desk.locator("details.undo summary").first.click()
    desk.get_by_role("button", name="Undo this import").first.click()
    settled(desk, "/metrics/acquisition_spend?period=2026-10")
    assert desk.locator("h1 > span").first.get_attribute("title") == before


def test_a_note_stands_in_the_chart_and_a_goal_on_the_card(desk: Page) -> None:
    settled(desk, "/metrics/mrr?period=2026-10")
    desk.locator("input[name=day]").fill("2026-09-15")
    desk.get_by_label("What happened").fill("new <b>prices</b>")
    desk.get_by_role("button", name="Note it").click()
    settled(desk, "/metrics/mrr?period=2026-10")
    expect(desk.locator("figure.chart svg").first).to_contain_text("new <b>prices</b>")
    desk.get_by_label("Goal; empty takes it back").fill("123456")
    desk.get_by_role("button", name="Set the goal").click()
    settled(desk, "/?period=2026-10")
    expect(desk.locator(".card", has=desk.get_by_role("link", name="MRR", exact=True))).to_contain_text("goal €123,456")
    settled(desk, "/metrics/mrr?period=2026-10")
    desk.get_by_role("button", name="Take away the note").click()
    settled(desk, "/metrics/mrr?period=2026-10")
    expect(desk.locator("figure.chart svg").first).not_to_contain_text("prices")


def test_nothing_yet_has_a_preview(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "fari.toml").write_text('[company]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "UTC"\n', encoding="utf-8")
    for address in running(tmp_path):
        for one in window(browser.new_context(viewport=WIDE, base_url=address)):
            settled(one, "/")
            expect(one.locator(".sample .card")).to_have_count(8)
            assert violations(one) == []
            one.set_viewport_size(ZOOMED)
            assert one.evaluate(CUT_OFF) == []


def test_the_team_votes_by_a_link(desk: Page, browser: Browser, ours: str) -> None:
    desk.goto("/survey")
    desk.get_by_role("button", name="Make a link").click()
    link = desk.locator("input.link").input_value()
    voter = browser.new_context(viewport=PHONE, java_script_enabled=False).new_page()
    voter.goto(ours + link[link.index("/vote/") :])
    voter.get_by_role("radio", name="MRR", exact=True).check()
    voter.get_by_label("Why?").fill("<i>it pays</i>")
    voter.get_by_role("button", name="Vote", exact=True).click()
    expect(voter.locator("main")).to_contain_text("You chose")
    desk.goto("/survey")
    expect(desk.locator("main")).to_contain_text("<i>it pays</i>")
    settled(desk, "/")
    expect(desk.locator(".card", has=desk.get_by_role("link", name="MRR", exact=True))).to_contain_text("focus")
    voter.context.close()
