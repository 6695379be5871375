"""The site: one project's ledger, asked on behalf of pages. What was computed is kept until the ledger, the company or the day changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fari.company import TOML
from fari.engine.ask import Asker
from fari.surfaces.project import Place, today
from fari.surfaces.web import desk
from fari.surfaces.web.access import ANYONE, Reader
from fari.surfaces.web.rulings import saw
from fari.surfaces.web.scene import Scene
from fari.surfaces.web.uploads import Uploads
from fari.surfaces.web.view import View
from fari.surfaces.words import words

if TYPE_CHECKING:
    from fari.ledger.store import Ledger

T = TypeVar("T")
KEPT = 2_000
"""So many results are kept, the latest used."""


class Site:
    """One project, asked by many readers at once: one question at a time in front of them, and one behind."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.ledger: Ledger = place.project()
        self.doing = ""
        """What the question in front is waiting for."""
        self.front, self.back = self._askers()
        self.lock = threading.RLock()
        self._written = self._toml().stat().st_mtime_ns
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._coming: dict[Hashable, Future[Any]] = {}
        self._wishes: dict[Hashable, tuple[int, Callable[[Asker], Any], Future[Any]]] = {}
        """What waits to be made behind the reader's back, each with the turn of the page that wished for it last."""
        self._turn = 0
        self._behind = ThreadPoolExecutor(1, "behind")
        self.patience: float | None = None
        """So many seconds a reader waits for a page before being told that it comes; None: as long as it takes."""
        self._making: dict[Hashable, Future[Any]] = {}
        self._makers = ThreadPoolExecutor(8, "page")
        self._guard = threading.Lock()
        self.uploads = Uploads(self.ledger.root / ".uploads")
        self.origin = "http://127.0.0.1:8400"
        """How programs reach it."""

    def _askers(self) -> tuple[Asker, Asker]:
        def said(text: str) -> None:
            self.doing = text

        return Asker(self.ledger, progress=said), Asker(self.ledger)

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.ledger.folder

    @property
    def desk(self) -> desk.Desk:
        """What people have done in this project's dashboard."""
        return desk.Desk(self.folder / desk.NAME)

    def saw_rules(self) -> None:
        """Keep which rules are in force, so that a change of them can be told."""
        saw(self.desk, self.ledger.company.rules.label, today(self.ledger.company))

    def _toml(self) -> Path:
        return self.folder / TOML

    def scene(self, view: View, locale: str = "en", reader: Reader | None = None) -> Scene:
        """The company as it now is, seen through a view; in that language where the view names none."""
        with self.lock:
            written = self._toml().stat().st_mtime_ns
            if written != self._written:
                self.ledger = self.place.project()
                (self.front, self.back), self._written = self._askers(), written
                self.saw_rules()
            asked = view.asked()
            self._turn += 1
            covered, _ = self.front.state(asked.day_known(), asked.ruled())
            version = (written, tuple(one.import_id for one in self.ledger.visible(asked.day_known())), today(self.ledger.company))
            return Scene(self, view, words(view.lang or locale), self.ledger.company, covered, version, reader=reader or ANYONE)

    def kept(self, key: Hashable, make: Callable[[Asker], T]) -> T:
        """What was made under this key, or is made now; other readers wait for it."""
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[no-any-return]
        with self.lock:
            with self._guard:
                if key in self._kept:
                    return self._kept[key]  # type: ignore[no-any-return]
            return self._keep(key, make(self.front))

    def later(self, key: Hashable, make: Callable[[Asker], T]) -> T | None:
        """What was made under this key; None as long as it is being made, behind the reader's back."""
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[no-any-return]
            coming = self._coming.get(key)
            if coming is None:
                future: Future[T] = Future()
                self._coming[key] = future
                self._wishes[key] = (self._turn, make, future)
                self._behind.submit(self._make_next)
                return None
            if key in self._wishes:
                self._wishes[key] = (self._turn, *self._wishes[key][1:])
        if coming.done():
            with self._guard:
                self._coming.pop(key, None)
            return coming.result()  # type: ignore[no-any-return]
        return None

    def patiently(self, key: Hashable, make: Callable[[], T]) -> T | None:
        """What is made while the reader waits; None where it takes longer: it goes on being made, once for all who ask for the same."""
        with self._guard:
            future: Future[T] | None = self._making.get(key)
            begun = future is None
            if future is None:
                self._making[key] = future = self._makers.submit(make)
        if begun:
            # What is made anew next time is quick, since all that it was made of is kept.
            future.add_done_callback(lambda _: self._made(key))
        try:
            return future.result(self.patience)
        except TimeoutError:
            if future.done():
                raise
            return None

    def _made(self, key: Hashable) -> None:
        self.doing = ""
        with self._guard:
            self._making.pop(key, None)

    def wait(self, key: Hashable, make: Callable[[Asker], T]) -> T:
        """The same, waited for: what a file or a program is given has to be whole."""
        found = self.later(key, make)
        if found is not None:
            return found
        with self._guard:
            coming = self._coming.get(key)
        return coming.result() if coming else self.kept(key, make)

    def _make_next(self) -> None:
        """Make what the page asked for last wishes for first: who turns to another page does not wait for the one before."""
        with self._guard:
            key = max(self._wishes, key=lambda each: self._wishes[each][0])
            _, make, future = self._wishes.pop(key)
        if not future.set_running_or_notify_cancel():
            return
        try:
            made = self._keep(key, make(self.back))
        except BaseException as error:  # whoever asks next is told
            future.set_exception(error)
            return
        with self._guard:
            # Its future would hold it for good; one that failed is left to tell why.
            self._coming.pop(key, None)
        future.set_result(made)

    def _keep(self, key: Hashable, value: T) -> T:
        with self._guard:
            self._kept[key] = value
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return value

    def close(self) -> None:
        """End what is going on behind, and remove what was sent and not imported."""
        self._behind.shutdown(wait=False, cancel_futures=True)
        self._makers.shutdown(wait=False, cancel_futures=True)
        with self._guard:
            for _, _, future in self._wishes.values():
                future.cancel()
        self.uploads.close()
