"""OSV's service (google.github.io/osv.dev/api): what is known of many packages in few requests.

``POST /v1/querybatch`` compares versions itself and returns identifiers, in pages; each of these
is then read by ``GET /v1/vulns/ID``. Distributions are asked for by package URL. Packages of Debian
and Alpine are asked for by name and release, because the service takes no release from a URL.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from packageurl import PackageURL

from fleet.advisories.osv import Record, record
from fleet.advisories.package import AdvisoryError, Package
from fleet.http.blocking import Blocking
from fleet.http.document import parse_json
from fleet.http.errors import HttpError
from fleet.http.message import Call, Reply

_BATCH: Final = 1000
"""As many queries as the service takes in one request."""

_MOST_PAGES: Final = 50
_LARGEST: Final = 32 * 1024 * 1024
# Stricter than what the lock holds: this goes into an address.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,127}")


class OsvService:
    """A service of OSV's at ``url``; a record is asked for once."""

    def __init__(self, url: str, client: Blocking) -> None:
        self._url, self._client = url.rstrip("/"), client
        self._records: dict[str, Record] = {}

    def __call__(self, packages: Iterable[Package]) -> Mapping[Package, list[Record]]:
        """Return the records on each of ``packages``.

        :raises AdvisoryError: when the service can't be asked, or its answer makes no sense.
        """
        asked = sorted(packages)
        try:
            found: dict[Package, list[str]] = {}
            for start in range(0, len(asked), _BATCH):
                found |= self._identifiers(asked[start : start + _BATCH])
            wanted = sorted({name for names in found.values() for name in names})
            self._read([name for name in wanted if name not in self._records])
        except HttpError as error:
            raise AdvisoryError(f"{self._url} can't be asked about advisories: {error}") from None
        return {each: [self._records[name] for name in names] for each, names in found.items()}

    def _identifiers(self, packages: list[Package]) -> dict[Package, list[str]]:
        """Return the identifiers of what is known of each package, of all pages."""
        found: dict[Package, list[str]] = {each: [] for each in packages}
        waiting: dict[Package, str] = dict.fromkeys(packages, "")
        for _ in range(_MOST_PAGES):
            if not waiting:
                return found
            results = self._page(waiting)
            following: dict[Package, str] = {}
            for package, (names, token) in zip(waiting, results, strict=True):
                found[package] += names
                if token:
                    following[package] = token
            waiting = following
        if waiting:
            raise HttpError(f"the service answers in more than {_MOST_PAGES} pages")
        return found

    def _page(self, waiting: Mapping[Package, str]) -> list[tuple[list[str], str]]:
        """Return identifiers and the next page's token for each package."""
        queries = [_query(package, token) for package, token in waiting.items()]
        call = Call(
            method="POST",
            url=f"{self._url}/v1/querybatch",
            headers={"Content-Type": "application/json"},
            content=json.dumps({"queries": queries}).encode(),
            limit=_LARGEST,
        )
        # It changes nothing, so that it may be sent again.
        answer = _answer(call, self._client.send(call))
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or len(results) != len(waiting):
            raise HttpError(f"{call.place}: the answer has not one result for each query")
        return [_result(each, call) for each in results]

    def _read(self, names: list[str]) -> None:
        calls = [
            Call(method="GET", url=f"{self._url}/v1/vulns/{name}", limit=_LARGEST) for name in names
        ]
        for name, call, reply in zip(names, calls, self._client.send_all(calls), strict=True):
            found = record(_answer(call, reply), call.place)
            if found.id != name:
                raise HttpError(f"{call.place}: the answer is another record, {found.id}")
            self._records[name] = found


def _query(package: Package, token: str) -> dict[str, Any]:
    if package.family == "PyPI":
        purl = PackageURL(type="pypi", name=package.name, version=package.version)
        query: dict[str, Any] = {"package": {"purl": purl.to_string()}}
    else:
        named = {"ecosystem": package.ecosystem, "name": package.name}
        query = {"package": named, "version": package.version}
    return {**query, "page_token": token} if token else query


def _answer(call: Call, reply: Reply) -> Any:
    if reply.status != HTTPStatus.OK:
        raise HttpError(f"{call.place}: the answer is {reply.status}")
    return parse_json(reply.body, f"the answer of {call.place}")


def _result(values: Any, call: Call) -> tuple[list[str], str]:
    names = list(_names(values, call))
    token = values.get("next_page_token") or ""
    if not isinstance(token, str):
        raise HttpError(f"{call.place}: the token of a page is not a text")
    return names, token


def _names(values: Any, call: Call) -> Iterator[str]:
    vulns = values.get("vulns") if isinstance(values, dict) else 0
    for each in vulns or [] if isinstance(vulns, list | None) else [None]:
        name = each.get("id") if isinstance(each, dict) else None
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise HttpError(f"{call.place}: the answer has a result without identifiers")
        yield name
