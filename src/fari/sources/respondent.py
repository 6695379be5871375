"""Who answered a survey: an id without personal data, and the person or account it stands for."""

from dataclasses import dataclass, field
from hashlib import sha256

from fari.sources.record import Record


@dataclass
class Respondents:
    """The people and accounts of one file, each given once. `prefix` names the vendor in their ids."""

    prefix: str
    _known: set[tuple[str, ...]] = field(default_factory=set)

    def find(self, line: int | str, number: str, email: str, name: str, company: str) -> tuple[dict[str, str | None], list[Record]] | None:
        """Columns naming who answered, and the records that introduce them; None where the row names nobody.

        An account comes with its person, by e-mail: a company's name is an account of its own only where nobody is named.
        A person known by name alone is nobody: two may share it, and no key may hold it.
        """
        email = email.strip().lower()
        if number or "@" in email:
            person = f"{self.prefix}:{number or sha256(email.encode()).hexdigest()[:16]}"
            said = {"person_id": person, "email": email or None, "name": name or None}
            return {"person_id": person}, self._once(Record("people", line, said)) if email or name else []
        if company:
            account = f"{self.prefix}:{company}"
            return {"account_id": account}, self._once(Record("accounts", line, {"account_id": account, "name": company}))
        return None

    def _once(self, record: Record) -> list[Record]:
        key = (record.table, *map(str, record.values.values()))
        if key in self._known:
            return []
        self._known.add(key)
        return [record]
