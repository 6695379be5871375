"""Every address there is, tried with what nobody should send: no answer is a failure, nothing comes back unescaped, all have the headers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Mount
from starlette.testclient import TestClient
from tests.commands import FILES, TOML
from tests.projects import bring

from fari.metrics.kinds import DIMENSIONS
from fari.surfaces.project import Place
from fari.surfaces.web import pages
from fari.surfaces.web.access import Access
from fari.surfaces.web.app import HEADERS, MEDIA, application
from fari.surfaces.web.door import GUESTS, OWNERS, Door, below
from fari.surfaces.web.site import Site
from fari.surfaces.web.view import NAMES, SAID

HERE = "http://127.0.0.1:8400"
PASSWORD = "correct horse battery"
PARAMETERS = [*(NAMES.get(name, name) for name in SAID), *DIMENSIONS, "unheard_of"]
DIMENSION_NAMES = [*DIMENSIONS]
PAYLOADS = [
    "<script>evil()</script>",
    "\"'><img src=x onerror=evil()>",
    "' OR 1=1; DROP TABLE subscriptions; --",
    "{{7*7}}{% raw %}${7*7}%s%n{0}",
    "a\x00b",
    "\r\nX-Evil: 1\r\n\r\n<script>evil()</script>",
    "../../../../etc/passwd",
    "x" * 7_000,
    "\U0001f600\u202e\ud7ff\x7f\x1b[31m",
    "9" * 400,
    "-1",
    "2026-13",
    "9999-12",
    "0001-01",
    "fari with week = 1e999999999",
    "fari with self = 1, = , x",
    "previous,year,weekdays",
]
UNESCAPED = re.compile(r"<script>evil|<img src=x|>49<|root:x:")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "fari.toml").write_text(TOML, encoding="utf-8")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    place = Place(folder)
    bring(place.project(), [folder / name for name in FILES])
    site = Site(place)
    access = Access(site.desk)
    access.add_user("owner", "owner", PASSWORD)
    yield application(site, Door(access, folder, "password"))
    site.close()


@pytest.fixture
def outside(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=HERE, follow_redirects=False)


@pytest.fixture
def inside(app: FastAPI) -> TestClient:
    client = TestClient(app, base_url=HERE, follow_redirects=False)
    client.cookies.set(app.state.door.cookie, app.state.door.access.begin("owner"))
    return client


def csrf(html: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', html)
    assert found, html
    return found[1]


def harmless(answer: Any) -> int:
    assert answer.status_code < 500, (answer.url, answer.text[:500])
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "x-evil" not in answer.headers
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        assert not UNESCAPED.search(answer.text), answer.url
    if not str(answer.url.path).startswith("/static/"):
        assert answer.headers["cache-control"] == "no-store"
    return int(answer.status_code)


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path; blanks in paths are filled."""
    found = []
    for route in app.routes:
        if isinstance(route, Mount):
            found.append(("GET", f"{route.path}/fari.css"))
        else:
            found += [(method, re.sub(r"{\w+}", "mrr", route.path)) for method in getattr(route, "methods", None) or ()]  # type: ignore[attr-defined]
    return found


def test_all_routes_are_seen(app: FastAPI) -> None:
    found = routes(app)
    assert {
        ("GET", "/"),
        ("GET", "/overview.json"),
        ("GET", "/metrics/mrr.csv"),
        ("GET", "/openapi.json"),
        ("POST", "/login"),
        ("POST", "/keys/add"),
    } <= {*found}
    assert {path for method, path in found if method == "POST"} >= {*(re.sub(r"{\w+}", "mrr", path) for path in pages.ACTS), "/login", "/logout"}


def test_nothing_is_shown_to_who_has_not_come_in(app: FastAPI, outside: TestClient) -> None:
    for method, path in routes(app):
        status = harmless(outside.request(method, path))
        if below(path, GUESTS):
            assert status in (200, 403, 404)
        else:
            assert status == (200 if path.startswith("/static/") else 401), (method, path)
        for headers in (
            {"Cookie": "fari=x"},
            {"Authorization": "Bearer fari_x"},
            {"X-Forwarded-For": "127.0.0.1"},
            {"X-HTTP-Method-Override": "GET"},
        ):
            again = harmless(outside.request(method, path, headers=headers))
            assert again in (status, 401, 429)


def test_no_other_name_is_answered(app: FastAPI, inside: TestClient) -> None:
    for method, path in routes(app):
        for host in ("evil.example", "127.0.0.1@evil.example", "127.0.0.1\tevil.example"):
            assert harmless(inside.request(method, path, headers={"Host": host})) == 421


def test_nothing_is_done_that_comes_from_elsewhere(app: FastAPI, inside: TestClient) -> None:
    own = csrf(inside.get("/").text)
    for method, path in routes(app):
        if method == "POST":
            for form in ({}, {"csrf": "f" * 64}, {"csrf": own[:-1]}):
                assert harmless(inside.post(path, data=form)) == 403
            for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
                assert harmless(inside.post(path, data={"csrf": own}, headers=headers)) == 403
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        assert harmless(inside.request(method, "/")) in (403, 405)


@pytest.mark.parametrize("path", [*sorted(pages.PAGES)])
def test_no_parameter_breaks_a_page(inside: TestClient, path: str) -> None:
    at = re.sub(r"{\w+}", "mrr", path)
    kinds = (at, f"{'/overview' if at == '/' else at}.json", f"{'/overview' if at == '/' else at}.csv")
    # A filter that nothing passes is a question like any other and takes its time: each page is tried with three of them, all pages with all.
    first = [*sorted(pages.PAGES)].index(path) * 3
    filters = [DIMENSION_NAMES[(first + more) % len(DIMENSION_NAMES)] for more in range(3)]
    for number, name in enumerate(name for name in PARAMETERS if name not in DIMENSIONS or name in filters):
        kind = kinds[number % 3] if name not in DIMENSIONS else at
        harmless(inside.get(kind, params={name: PAYLOADS[(number + first) % len(PAYLOADS)]}))


def test_no_path_leads_out_or_breaks(inside: TestClient) -> None:
    ways = [
        "/../fari.toml",
        "/%2e%2e/fari.toml",
        "/..%2f..%2fetc/passwd",
        "/%5c..%5cfari.toml",
        "/%00",
        "/\u202e",
        "//",
        "/./",
        "/" + "x/" * 2_000,
        "/%ff%fe",
    ]
    ways += [f"/{quote(payload, safe='')}" for payload in PAYLOADS]
    for way in ways:
        for root in ("", "/static", "/metrics", "/data", "/keys"):
            for end in ("", ".json", ".csv"):
                answer = inside.get(f"{HERE}{root}{way}{end}")
                harmless(answer)
                assert "[company]" not in answer.text


def test_an_address_that_is_too_long_is_refused(inside: TestClient, outside: TestClient) -> None:
    assert harmless(inside.get("/", params={"channel": "x" * 9_000})) == 414
    assert harmless(outside.get("/" + "x" * 9_000)) == 414


def test_no_field_of_a_form_breaks_what_it_does(app: FastAPI, inside: TestClient) -> None:
    own = csrf(inside.get("/").text)
    folder = Path(pages.__path__[0]).parent
    fields = {
        "name",
        "password",
        "next",
        *re.findall(r'name="(\w+)"', "".join(path.read_text("utf-8") for path in (folder / "templates").glob("*.html"))),
    } - {"csrf"}
    for path in sorted({path for method, path in routes(app) if method == "POST"} - {"/login", "/logout"}):
        for number, payload in enumerate(PAYLOADS):
            form = {"csrf": own} | dict.fromkeys(fields, payload)
            harmless(inside.post(path, data=form) if number % 2 else inside.post(path, data=form, files={"files": (payload[:200], payload.encode())}))
        harmless(inside.post(path, data={"csrf": own}))
        harmless(inside.post(path, data={"csrf": own}, params={"period": "<script>evil()</script>"}))
        raw = {"content-type": "application/x-www-form-urlencoded"}
        harmless(inside.post(path, content=f"csrf={own}&".encode() + b"%ff=%fe&" * 50 + b"\xff\x00", headers=raw))
        broken = {"content-type": "multipart/form-data; boundary=b"}
        harmless(
            inside.post(
                path, content=f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{own}\r\n--b\r\nContent-Dis'.encode(), headers=broken
            )
        )
        harmless(
            inside.post(
                path,
                content=f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{own}\r\n'.encode(),
                headers={"content-type": "multipart/form-data"},
            )
        )


def test_no_field_of_the_login_breaks_it(app: FastAPI, outside: TestClient) -> None:
    for payload in PAYLOADS[:8]:
        form = {"csrf": csrf(outside.get("/login", params={"next": payload}).text), "name": payload, "password": payload, "next": payload}
        assert harmless(outside.post("/login", data=form)) in (403, 429)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PARAMETERS), st.text(max_size=40), st.sampled_from(["/", "/metrics/mrr", "/help.json"]))
def test_nothing_at_all_breaks_a_page(inside: TestClient, name: str, value: str, path: str) -> None:
    harmless(inside.get(path, params={name: value.encode("utf-8", "replace").decode()}))


def test_the_description_of_the_addresses_is_whole_and_true(app: FastAPI, inside: TestClient) -> None:
    found = inside.get("/openapi.json").json()
    assert re.fullmatch(r"3\.1\.\d", found["openapi"])
    assert {"title", "version", "description"} <= set(found["info"])
    own = {"/overview" if path == "/" else path for path in pages.PAGES if not below(path, OWNERS)}
    assert set(found["paths"]) == {f"{path}.{kind}" for path in own for kind in MEDIA}
    known = set(found["components"]["securitySchemes"])
    assert all(set(one) <= known for one in found["security"])
    ids = []
    for path, methods in found["paths"].items():
        assert set(methods) == {"get"}
        told = methods["get"]
        ids.append(told["operationId"])
        assert told["summary"]
        assert "200" in told["responses"]
        assert all(re.fullmatch(r"[1-5]\d\d", status) and one["description"] for status, one in told["responses"].items())
        media = MEDIA[path.rpartition(".")[2]].partition(";")[0]
        assert set(told["responses"]["200"]["content"]) == {media}
        parameters = [(one["in"], one["name"]) for one in told["parameters"]]
        assert len(parameters) == len(set(parameters))
        assert {name for where, name in parameters if where == "path"} == {*re.findall(r"{(\w+)}", path)}
        assert all(one["schema"]["type"] and (one["in"] == "query" or one["required"]) for one in told["parameters"])
        assert {name for where, name in parameters if where == "query"} == {*PARAMETERS} - {"unheard_of"}
        answer = inside.get(path.replace("{name}", "mrr"))
        assert str(answer.status_code) in told["responses"]
        assert answer.headers["content-type"].partition(";")[0] == (media if answer.status_code == 200 else "application/json")
    assert len(ids) == len(set(ids))
