"""Take pictures of a demo's dashboard: scripts/screenshots calls this with the project, a Chromium and the folder to write to."""

import sys
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

from fari.surfaces.project import Place
from fari.surfaces.web.app import application
from fari.surfaces.web.site import Site

SHOTS = (("overview", "/", "light"), ("overview-dark", "/", "dark"), ("metric", "/metrics/mrr", "light"), ("revenue", "/revenue", "light"))


def main(folder: Path, chromium: str, into: Path) -> None:
    """Serve the project and look at it."""
    server = uvicorn.Server(uvicorn.Config(application(Site(Place(folder))), port=0, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
        for name, path, theme in SHOTS:
            page = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme=theme, base_url=address)  # type: ignore[arg-type]
            page.goto(path)
            page.wait_for_selector("body:not([data-pending])", timeout=120_000)
            page.screenshot(path=into / f"screen-{name}.png")
            page.close()
        browser.close()
    server.should_exit = True


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
