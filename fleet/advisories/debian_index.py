"""Debian's security archive: whether a fix is there that a base has not applied yet.

Of each suite ``{codename}-security`` its list of sources is read (``main/source/Sources.xz``, as
apt does), and each package that a base's was built from is compared by Debian's order.
"""

import lzma
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from fleet.advisories.ordering import Key, debian
from fleet.advisories.package import AdvisoryError, Package
from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError
from fleet.http.message import Call, Reply
from fleet.http.text import one_line
from fleet.lock.advisories import Advisory
from fleet.lock.serialization import has_form

_CODENAMES: Final = {"11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"}
_LARGEST: Final = 32 * 1024 * 1024
_LARGEST_WHOLE: Final = 256 * 1024 * 1024
_FIELD: Final = re.compile(r"^(Package|Version):[ \t]*(\S+)[ \t]*$", re.MULTILINE)


class DebianIndex:
    """The archive at ``url``; the list of a suite is read once."""

    def __init__(self, url: str, client: Blocking) -> None:
        self._url, self._client = url.rstrip("/"), client
        self._suites: dict[str, Mapping[str, str]] = {}

    def __call__(self, packages: Iterable[Package]) -> Mapping[Package, Advisory]:
        """Return a finding for each of ``packages`` of which the archive has a newer version.

        It is named ``{suite}/{source}``, for the archive does not say which advisories it is for.

        :raises AdvisoryError: when the archive can't be asked, or its answer makes no sense.
        """
        found = {}
        for each in packages:
            if each.family != "Debian":
                continue
            suite = f"{_codename(each)}-security"
            if suite not in self._suites:
                self._suites[suite] = self._read(suite)
            newest = self._suites[suite].get(each.name, "")
            if newest and _order(newest, suite) > _order(each.version, str(each)):
                found[each] = Advisory(id=f"{suite}/{each.name}", fixed=newest)
        return found

    def _read(self, suite: str) -> Mapping[str, str]:
        """Return the highest version of each source package of a suite."""
        url = f"{self._url}/dists/{suite}/main/source/Sources.xz"
        call = Call(method="GET", url=url, limit=_LARGEST)
        try:
            text = _unpacked(self._client.send(call), call.place)
        except HttpError as error:
            raise AdvisoryError(f"Debian's security archive can't be asked: {error}") from None
        newest: dict[str, str] = {}
        for paragraph in re.split(r"\n[ \t]*\n", text):
            fields = dict(_FIELD.findall(paragraph))
            name, version = fields.get("Package"), fields.get("Version")
            if not paragraph.strip():
                continue
            if not name or not version or not has_form(version, "version"):
                raise AdvisoryError(f"{url}: a paragraph names no package with a version")
            if name not in newest or _order(version, url) > _order(newest[name], url):
                newest[name] = version
        if not newest:
            raise AdvisoryError(f"{url}: the list of sources is empty")
        return newest


def _order(version: str, place: str) -> Key:
    try:
        return debian(version)
    except ValueError as error:
        raise AdvisoryError(f"{place}: {one_line(version)} is {error}") from None


def _codename(package: Package) -> str:
    release = package.ecosystem.partition(":")[2]
    if release not in _CODENAMES:
        raise AdvisoryError(
            f"Debian {release}: its codename is not known here, so its security archive can't be "
            "asked.\nTake fleet:advisories.debian out, or update this program"
        )
    return _CODENAMES[release]


def _unpacked(reply: Reply, place: str) -> str:
    if reply.status != HTTPStatus.OK:
        raise HttpError(f"{place}: the answer is {reply.status}")
    decoder = lzma.LZMADecompressor(memlimit=_LARGEST_WHOLE)
    try:
        text = decoder.decompress(reply.body, max_length=_LARGEST_WHOLE)
    except lzma.LZMAError as error:
        raise HttpError(f"{place}: the answer is not xz: {error}") from None
    if not decoder.eof:
        raise HttpError(f"{place}: the answer is cut off, or unpacks to more than is read")
    return text.decode(errors="replace")
