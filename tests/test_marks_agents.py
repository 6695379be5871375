import re
import time

import crawleruseragents
import pytest

from fari.marks.agents import judge

PATTERNS = {entry["pattern"] for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA}
SAMPLES = [sample for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for sample in entry["instances"]]

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
LINUX = f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT}"
PIXEL = f"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UD1A.230805.019; wv) {WEBKIT} Version/4.0 Chrome/126.0.6478.122 Mobile Safari/537.36"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) {APPLE}"
IPAD = f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {APPLE}"

PEOPLE = {
    "desktop": (
        f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36",
        f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
        f"{WINDOWS} Chrome/125.0.0.0 Safari/537.36 OPR/111.0.0.0",
        f"{WINDOWS} Chrome/124.0.0.0 YaBrowser/24.6.0.0 Safari/537.36",
        f"{WINDOWS} Chrome/126.0.0.0 Safari/537.36 Vivaldi/6.8.3381.46",
        f"{WINDOWS} Chrome/122.0.0.0 Safari/537.36 Whale/3.25.232.19",
        f"{WINDOWS} Chrome/109.0.5414.120 Safari/537.36 Avast/109.0.24252.121",
        f"{WINDOWS} Chrome/121.0.6167.85 Electron/28.2.10 Safari/537.36",
        f"{WINDOWS} Chrome/58.0.3029.110 Safari/537.36 Edge/16.16299",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; SLCC2; .NET CLR 2.0.50727)",
        "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
        f"{MAC} {WEBKIT} Chrome/126.0.0.0 Safari/537.36",
        f"{MAC} {APPLE} Version/17.5 Safari/605.1.15",
        f"{MAC} {APPLE} Version/17.4.1 Safari/605.1.15 Ddg/17.4.1",
        f"{MAC} {WEBKIT} Chrome/120.0.6099.291 Electron/28.2.8 Safari/537.36 Slack/4.37.98",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0",
        f"{LINUX} Chrome/126.0.0.0 Safari/537.36",
        f"{LINUX} Ubuntu Chromium/80.0.3987.87 Chrome/80.0.3987.87 Safari/537.36",
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0 SeaMonkey/2.53.18",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Safari/605.1.15 Epiphany/605.1.15",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (X11; OpenBSD amd64; rv:109.0) Gecko/20100101 Firefox/115.0",
    ),
    "mobile": (
        f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
        f"{IPHONE} CriOS/126.0.6478.108 Mobile/15E148 Safari/604.1",
        f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
        f"{IPHONE} Version/17.0 EdgiOS/126.0.2592.56 Mobile/15E148 Safari/605.1.15",
        f"{IPHONE} GSA/321.0.642804631 Mobile/15E148 Safari/604.1",
        f"{IPHONE} Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
        f"{IPHONE} Mobile/21F90 [FBAN/FBIOS;FBAV/468.0.0.41.105;FBBV/609541423;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBID/phone]",
        f"{IPHONE} Mobile/15E148 Instagram 336.0.7.26.91 (iPhone14,5; iOS 17_5_1; it_IT; it; scale=3.00; 1170x2532; 614063904)",
        f"{IPHONE} Mobile/15E148 LinkedInApp/9.29.4535",
        f"{IPHONE} Mobile/15E148 Twitter for iPhone/10.46",
        f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003133) NetType/WIFI Language/zh_CN",
        f"{IPHONE} Mobile/15E148 musical_ly_35.1.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/en",
        f"Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5_7 like Mac OS X) {APPLE} Version/12.1.2 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 14; SM-S928B) {WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 13; Redmi Note 12; it-it) {WEBKIT} Version/4.0 Chrome/112.0 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.12.0",
        f"Mozilla/5.0 (Linux; Android 10; HarmonyOS; ELS-N39) {WEBKIT} Chrome/99.0.4844.88 HuaweiBrowser/14.0.5.303 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 12; M2102J20SG) {WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36 OPR/82.0.4342.79",
        f"Mozilla/5.0 (Linux; U; Android 11; en-US; RMX2185) {WEBKIT} Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.2 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; arm_64; Android 12; CPH2211) {WEBKIT} Chrome/122.0 YaBrowser/24.4.3 YaApp_Android/24.43 Mobile Safari/537.36",
        f"{PIXEL} GSA/15.24.36.28.arm64",
        f"{PIXEL} [FB_IAB/FB4A;FBAV/469.0.0.46.113;]",
        f"{PIXEL} Instagram 334.0.0.42.95 Android (34/14; 420dpi; 1080x2400; Google/google; Pixel 8; shiba; shiba; en_GB)",
        f"{PIXEL} trill_2023505030 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/musical_ly ByteLocale/en",
        "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
        "Opera/9.80 (Android; Opera Mini/36.2.2254/191.249; U; en) Presto/2.12.423 Version/12.16",
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
        f"Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) {WEBKIT} Chrome/52 Mobile Safari/537.36 Edge/15",
        "Mozilla/5.0 (BB10; Touch) AppleWebKit/537.10+ (KHTML, like Gecko) Version/10.3.3.3216 Mobile Safari/537.10+",
        "Mozilla/5.0 (Mobile; Nokia 2720 Flip; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.4",
    ),
    "tablet": (
        f"{IPAD} Version/16.6 Mobile/15E148 Safari/604.1",
        f"{IPAD} CriOS/126.0.6478.108 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (Linux; Android 13; SM-X706B) {WEBKIT} Chrome/126.0.0.0 Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 9; SM-T515) {WEBKIT} SamsungBrowser/23.0 Chrome/115.0.0.0 Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {WEBKIT} Silk/124.4.2 like Chrome/124.0.6367.219 Safari/537.36",
        "Mozilla/5.0 (Android 13; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0",
    ),
    "other": (
        f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {WEBKIT} 76.0.3809.146/6.0 TV Safari/537.36",
        f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/94.0.4606.128 Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 9; AFTKA Build/PS7624.3337N; wv) {WEBKIT} Version/4.0 Chrome/98.0 Mobile Safari/537.36",
        "Mozilla/5.0 (PlayStation; PlayStation 5/8.60) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {WEBKIT} Chrome/120.0.0.0 Safari/537.36 Edge/44.18363.8131",
    ),
}  # fmt: skip


def test_every_sample_agent_of_the_package_is_marked() -> None:
    assert len(SAMPLES) > 2000
    assert [sample for sample in SAMPLES if judge(sample).bot is None] == []


def test_the_pattern_named_is_one_of_the_package_and_matches() -> None:
    for sample in SAMPLES:
        bot = judge(sample).bot
        assert bot in PATTERNS
        assert re.search(bot or "", sample)


def test_no_browser_of_a_person_is_taken_for_a_robot() -> None:
    agents = [agent for group in PEOPLE.values() for agent in group]
    assert len(set(agents)) >= 60
    assert {agent: judge(agent).bot for agent in agents if judge(agent).bot} == {}


@pytest.mark.parametrize(("device", "agent"), [(device, agent) for device, agents in PEOPLE.items() for agent in agents])
def test_device(device: str, agent: str) -> None:
    assert judge(agent).device == device


@pytest.mark.parametrize("agent", [None, "", "  "])
def test_a_server_that_sends_no_agent_is_no_robot(agent: str | None) -> None:
    assert judge(agent) == (None, "other")


@pytest.mark.parametrize("agent", SAMPLES[::40] + [agent for agents in PEOPLE.values() for agent in agents])
def test_the_verdict_is_that_of_the_package(agent: str) -> None:
    assert (judge(agent).bot is not None) == crawleruseragents.is_crawler(agent)


def test_judging_is_fast_enough_for_a_hundred_thousand_agents() -> None:
    agents = [agent for group in PEOPLE.values() for agent in group] * 15
    judge(agents[0])
    started = time.perf_counter()
    for agent in agents:
        judge(agent)
    # 40 µs on the slowest machine tried; the package alone takes 200 and more.
    assert (time.perf_counter() - started) / len(agents) < 400e-6
