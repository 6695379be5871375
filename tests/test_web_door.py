"""The door: who comes in, by what, and what is refused."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.commands import TOML

from fari.surfaces.project import Place
from fari.surfaces.web.access import Access
from fari.surfaces.web.app import application
from fari.surfaces.web.door import Door
from fari.surfaces.web.site import Site

HERE = "http://127.0.0.1:8400"
PASSWORD = "correct horse battery"


class House:
    """A project's application behind a door."""

    def __init__(self, folder: Path, auth: str) -> None:
        folder.mkdir()
        (folder / "fari.toml").write_text(TOML, encoding="utf-8")
        self.site = Site(Place(folder))
        self.access = Access(self.site.desk)
        self.told: list[str] = []
        self.auth = auth
        self.door = self.shut()

    def shut(self) -> Door:
        """A new door, as after a restart."""
        self.door = Door(self.access, self.site.folder, self.auth, ("fari.example.com",), tell=self.told.append)
        self.app = application(self.site, self.door)
        return self.door

    def client(self, base: str = HERE) -> TestClient:
        return TestClient(self.app, base_url=base, follow_redirects=False)

    def inside(self, name: str = "") -> TestClient:
        """A browser that has come in: by a link, or with a password."""
        client = self.client()
        if self.auth == "token":
            assert client.get(f"/?token={self.door.token()}").status_code == 303
        else:
            assert self.log_in(client, name).status_code == 303
        return client

    def log_in(self, client: TestClient, name: str, password: str = PASSWORD, onward: str = "/"):  # type: ignore[no-untyped-def]
        form = {"csrf": csrf(client.get("/login").text), "name": name, "password": password, "next": onward}
        return client.post("/login", data=form)


def csrf(html: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', html)
    assert found, html
    return found[1]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("alone") / "acme", "token")
    yield house
    house.site.close()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("team") / "acme", "password")
    for name in ("viewer", "editor", "owner"):
        house.access.add_user(name, name, PASSWORD)
    yield house
    house.site.close()


def test_nobody_comes_in_without_a_link(alone: House) -> None:
    client = alone.client()
    page = client.get("/?period=2026-10")
    assert page.status_code == 401
    assert "fari serve" in page.text
    assert "Acme" not in page.text
    for path in ("/overview.json", "/overview.csv", "/openapi.json"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "fari keys add" in answer.json()["error"]
    assert client.get("/static/fari.css").status_code == 200


def test_a_link_opens_once_and_leaves_no_trace_in_the_address(alone: House) -> None:
    token, client, other = alone.door.token(), alone.client(), alone.client()
    ahead = client.get(f"/?token={token}", headers={"Sec-Purpose": "prefetch"})
    assert (ahead.status_code, "set-cookie" in ahead.headers) == (403, False)
    answer = client.get(f"/?period=2026-10&token={token}&channel=Email")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?period=2026-10&channel=Email")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert token not in cookie
    assert client.get("/").status_code == 200
    assert other.get(f"/?token={token}").status_code == 401
    assert other.get("/").status_code == 401
    assert other.get(f"/?token={alone.told[-1]}").status_code == 303
    assert "; secure" in alone.client("https://127.0.0.1").get(f"/?token={alone.door.token()}").headers["set-cookie"].lower()


def test_a_link_leads_to_no_other_server(alone: House) -> None:
    for path in ("//evil.example/", "/\\evil.example/", "///evil.example", "/%5Cevil.example/", "/%0d%0aSet-Cookie:x=y/"):
        answer = alone.client().get(f"{HERE}{path}?token={alone.door.token()}")
        assert answer.status_code == 303
        assert re.match(r"/[^/\\]", answer.headers["location"])
        assert "x=y" not in answer.headers["set-cookie"]


def test_a_restart_logs_nobody_out_and_a_session_ends_when_unused(alone: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = alone.inside()
    alone.shut()
    again = alone.client()
    again.cookies = client.cookies
    assert again.get("/").status_code == 200
    with alone.site.desk.writing("") as db:
        db.execute("UPDATE sessions SET used = used - 86400 * 13")
    kept = again.get("/")
    assert kept.status_code == 200
    assert "max-age=1209600" in kept.headers["set-cookie"].lower()
    assert "set-cookie" not in again.get("/").headers
    with alone.site.desk.writing("") as db:
        db.execute("UPDATE sessions SET used = used - 86400 * 15")
    assert again.get("/").status_code == 401


def test_what_opens_is_kept_as_a_hash_only(team: House) -> None:
    client = team.inside("owner")
    key = team.access.add_key("kept")
    kept = b"".join(path.read_bytes() for path in team.site.folder.glob("desk.sqlite*"))
    assert b"kept" in kept
    for secret in (PASSWORD, key, client.cookies[team.door.cookie]):
        assert secret.encode() not in kept
    assert (team.site.folder / "desk.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "a b", "[::1", "127.0.0.1:80:80"]
)
def test_other_names_are_refused(alone: House, host: str) -> None:
    answer = alone.inside().get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8400", "[::1]:9", "FARI.example.com"])
def test_own_names_are_answered(alone: House, host: str) -> None:
    client = alone.inside()
    cookie = f"{alone.door.cookie}={client.cookies[alone.door.cookie]}"
    assert alone.client(f"http://{host}").get("/", headers={"Cookie": cookie}).status_code == 200


def test_a_password_opens_and_a_wrong_one_says_nothing(team: House) -> None:
    client = team.client()
    closed = client.get("/revenue?period=2026-10")
    assert closed.status_code == 401
    assert 'value="/revenue?period=2026-10"' in closed.text
    assert "Acme" not in closed.text
    wrong, nobody = team.log_in(client, "viewer", "wrong password"), team.log_in(client, "nobody")
    assert (wrong.status_code, nobody.status_code) == (403, 403)
    assert re.sub(r'value="\w+"', "", wrong.text) == re.sub(r'value="\w+"', "", nobody.text)
    answer = team.log_in(client, "VIEWER", onward="/help")
    assert (answer.status_code, answer.headers["location"]) == (303, "/help")
    assert client.get("/").status_code == 200
    form = {"csrf": csrf(client.get("/").text)}
    assert client.post("/logout", data=form).status_code == 303
    assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    "onward", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\r\nSet-Cookie: a=b", "", "/\t/evil"]
)
def test_a_login_leads_to_no_other_server(team: House, onward: str) -> None:
    answer = team.log_in(team.client(), "viewer", onward=onward)
    assert answer.headers["location"] == "/"
    assert all(cookie.startswith("fari_") for cookie in answer.headers.get_list("set-cookie"))


def test_no_session_is_taken_from_outside(team: House) -> None:
    client = team.client()
    client.cookies.set(team.door.cookie, "chosen-by-the-attacker")
    assert client.get("/").status_code == 401
    assert team.log_in(client, "viewer").status_code == 303
    first = [value for value in client.cookies.jar if value.name == team.door.cookie and value.value != "chosen-by-the-attacker"]
    assert len(first) == 1
    thief = team.client()
    thief.cookies.set(team.door.cookie, "chosen-by-the-attacker")
    assert thief.get("/").status_code == 401
    # A login in a browser that was in already is a new session, and the old one is over.
    inside = team.inside("viewer")
    old = inside.cookies[team.door.cookie]
    assert team.log_in(inside, "viewer").status_code == 303
    thief.cookies.clear()
    thief.cookies.set(team.door.cookie, old)
    assert thief.get("/").status_code == 401


def test_a_session_of_the_machine_is_worth_nothing_where_passwords_are_asked_for(team: House) -> None:
    client = team.client()
    client.cookies.set(team.door.cookie, team.access.begin())
    assert client.get("/").status_code == 401


def test_wrong_passwords_cost_time(team: House) -> None:
    team.shut()
    client = team.client()
    answers = [team.log_in(client, "editor", f"guess number {n}").status_code for n in range(7)]
    assert answers == [403] * 6 + [429]
    assert int(team.log_in(client, "editor").headers["retry-after"]) >= 1
    assert team.log_in(client, "viewer").status_code == 303
    answers = [team.log_in(client, f"name{n}", "a guess").status_code for n in range(8)]
    assert answers[-1] == 429
    team.shut()


def test_a_user_who_is_removed_is_out_at_once(team: House) -> None:
    team.access.add_user("leaver", "owner", PASSWORD)
    client = team.inside("leaver")
    team.access.add_user("leaver", "owner", "another password")
    assert client.get("/").status_code == 401
    assert team.log_in(client, "leaver", "another password").status_code == 303
    team.access.remove_user("Leaver")
    assert client.get("/").status_code == 401
    assert team.log_in(client, "leaver", "another password").status_code == 403


def test_only_our_own_forms_are_taken(team: House) -> None:
    client = team.inside("viewer")
    form = {"csrf": csrf(client.get("/").text)}
    for wrong in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": csrf(team.inside("viewer").get("/").text)}):
        assert client.post("/logout", data=wrong).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert client.post("/logout", data=form, headers=headers).status_code == 403
    assert client.post("/logout", json=form).status_code == 403
    assert client.post(f"/logout?csrf={form['csrf']}").status_code == 403
    assert client.post("/logout", content=b"csrf=x&" * 200_000, headers={"content-type": "application/x-www-form-urlencoded"}).status_code == 413
    assert client.post("/logout", content=b"a&" * 2_000, headers={"content-type": "application/x-www-form-urlencoded"}).status_code in (400, 403)
    assert client.get("/").status_code == 200
    behind = {"Origin": "https://fari.example.com", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/logout", data=form, headers=behind).status_code == 303


def test_a_form_with_files_has_its_csrf_before_them(team: House) -> None:
    client = team.inside("editor")
    own = csrf(client.get("/").text)
    big = ("big.csv", b"x" * 200_000)
    # Past the door there is nothing at this address: 405.
    assert client.post("/", data={"csrf": own}, files={"file": big}).status_code == 405
    assert client.post("/", data={"csrf": "0" * 64}, files={"file": big}).status_code == 403
    assert client.post("/", files={"file": big}).status_code == 403


def test_roles(team: House) -> None:
    for name, post, keys in (("viewer", 403, 403), ("editor", 405, 403), ("owner", 405, 200)):
        client = team.inside(name)
        own = {"csrf": csrf(client.get("/").text)}
        assert client.get("/").status_code == 200
        assert client.post("/", data=own).status_code == post
        assert [client.get(path).status_code for path in ("/keys", "/keys.json", "/keys.csv")] == [keys] * 3
        assert client.delete("/").status_code == 403


def test_a_key_reads_data_and_nothing_else(alone: House) -> None:
    client, key = alone.client(), {"Authorization": f"Bearer {alone.access.add_key('robot')}"}
    assert client.get("/openapi.json", headers=key).status_code == 200
    assert client.get("/metrics/mrr.json", headers=key).status_code != 401
    assert [client.get(path, headers=key).status_code for path in ("/", "/help", "/keys", "/keys.json")] == [403] * 4
    assert client.post("/overview.json", headers=key).status_code == 403
    narrow = {"Authorization": f"Bearer {alone.access.add_key('narrow', metrics=['mrr'])}"}
    assert client.get("/metrics/mrr.csv", headers=narrow).status_code != 403
    assert [
        client.get(path, headers=narrow).status_code for path in ("/metrics/cac.json", "/overview.json", "/metrics/mrr.json/../../overview.json")
    ] == [403] * 3
    used = {one.name: one.used for one in alone.access.all_keys()}
    assert used["robot"]
    alone.access.revoke("robot")
    assert client.get("/openapi.json", headers=key).status_code == 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Bearer fari_x", "Basic b3duZXI6eA==", "Bearer " + "x" * 5000, "bearer fari_' OR 1=1 --", "Bearer fari_\x00"]
)
def test_what_is_no_key_opens_nothing_even_with_a_session(alone: House, value: str) -> None:
    client = alone.inside()
    assert client.get("/overview.json", headers={"Authorization": value}).status_code in (401, 429)
    alone.shut()


def test_keys_are_paced(alone: House) -> None:
    client, key = alone.client(), {"Authorization": f"Bearer {alone.access.add_key('hasty')}"}
    alone.door.pace.at_once = 3
    answers = [client.get("/nothing.json", headers=key) for _ in range(5)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    alone.shut()
