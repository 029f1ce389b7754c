"""A registry over HTTP, by the OCI distribution specification 1.1."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote

from fleet.http.addresses import next_page
from fleet.http.document import MalformedError, parse_json
from fleet.http.message import Call, Reply
from fleet.http.retry import unsettled
from fleet.http.text import one_line
from fleet.registry.auth import PULL, PUSH, REMOVE, scope
from fleet.registry.blobs import NO_HEAD, BlobTransfer
from fleet.registry.errors import DamagedError, RegistryError, moved
from fleet.registry.manifest import ACCEPTED, MANIFEST_LIMIT, OCI_INDEX, Manifest
from fleet.registry.reference import Repository, is_digest, is_tag
from fleet.registry.transport import in_effect, unexpected

# What a page of a tag list is wished to hold, 0 for no wish: quay.io answers 413 to more than 100.
_PAGE_SIZES = (1000, 100, 0)
_TOO_MANY_ASKED = frozenset({400, 413})
_PAGES = 10_000
_REFERRER_PAGES = 100
_PAGE_LIMIT = 16 * 1024 * 1024
_ACCEPT = {"Accept": ", ".join(ACCEPTED)}
# Codes of the specification ("Error Codes") that mean: this registry does not delete so.
_UNSUPPORTED = frozenset({400, 405, 501})
# A registry without the referrers API answers 404; some front of it refuses an unknown path.
_NO_REFERRERS = frozenset({400, 404, 405, 501})
_WRITTEN = frozenset({200, 201, 202})
_DELETED = frozenset({200, 202, 204})


@dataclass(frozen=True, kw_only=True)
class TagList:
    """The tags of a repository, sorted; `known` is false where the registry has no such name.

    `date` is the registry's own time of the answer (RFC 3339, UTC), empty where it told none.
    """

    tags: tuple[str, ...]
    known: bool
    date: str = ""


Look = Callable[[], Awaitable[None]]
"""A last look before a write: it raises where that must not be sent (again)."""


class DeleteOutcome:
    """The outcome of a DELETE."""

    DONE = "done"
    ABSENT = "absent"
    UNSUPPORTED = "unsupported"


class Client(BlobTransfer):
    """A registry over HTTP.

    Every method raises `RegistryError` when the registry fails or answers with nonsense.
    """

    async def head(self, repository: Repository, reference: str) -> str | None:
        """Return the digest that a tag or digest names, or None where it is absent."""
        call = self._manifest_call("HEAD", repository, reference, PULL)
        reply = await self._transport.send(call)
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        if reply.status not in {HTTPStatus.OK, *NO_HEAD}:
            raise unexpected(reply, call.place)
        digest: str = reply.headers.get("Docker-Content-Digest", "")
        if reply.status in NO_HEAD or not is_digest(digest):
            # The header is optional in the specification: the body tells as well.
            manifest = await self.get(repository, reference)
            return manifest.digest if manifest is not None else None
        _require_same(reference, digest, call.place)
        return digest

    async def get(self, repository: Repository, reference: str) -> Manifest | None:
        """Return a manifest whose bytes were checked against its digest, or None."""
        call = self._manifest_call("GET", repository, reference, PULL)
        reply = await self._transport.send(call)
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        if reply.status != HTTPStatus.OK:
            raise unexpected(reply, call.place)
        media_type = reply.headers.get("Content-Type", "").partition(";")[0].strip()
        # It goes into states and messages: a type is one line of text, whatever was sent.
        media_type = one_line(media_type or _own_media_type(reply.body))
        manifest = Manifest(body=reply.body, media_type=media_type)
        reported = reply.headers.get("Docker-Content-Digest", "")
        for expected in (reference, reported):
            _require_same(expected, manifest.digest, call.place)
        return manifest

    async def put(
        self,
        repository: Repository,
        reference: str,
        manifest: Manifest,
        *,
        named: str | None = None,
    ) -> bool:
        """Write a manifest under a tag or under its own digest.

        Return True where the registry tells that it lists the manifest as a referrer of its
        subject; else, the client has to (OCI distribution specification 1.1, "Pushing Manifests
        with Subject").

        `named` is the digest that the tag was seen to name just before, None where it was absent.
        No registry compares and swaps, so the caller looks before the first request. After a
        reset, a 429 or a 5xx this looks again before the same bytes are sent once more: the write
        may have taken effect, and a wait of a minute is long enough for another one.

        :raises ConflictError: if the tag names by then neither that nor what is written.
        """
        if len(manifest.body) > MANIFEST_LIMIT:
            raise RegistryError(
                f"{repository}: a manifest of {len(manifest.body)} bytes exceeds the limit of "
                f"{MANIFEST_LIMIT}; declare fewer platforms or shorter annotations"
            )
        call = self._manifest_call("PUT", repository, reference, PUSH, manifest)

        async def settled() -> Reply | None:
            live = await self.head(repository, reference)
            if live == manifest.digest:
                return in_effect(HTTPStatus.CREATED)
            if not is_digest(reference):
                _require_named(f"{repository}:{reference}", live, named, manifest.digest)
            return None

        reply = await self._transport.send(call, settled)
        if reply.status not in _WRITTEN:
            raise unexpected(reply, call.place)
        reported = reply.headers.get("Docker-Content-Digest", "")
        _require_same(reported, manifest.digest, call.place)
        return "OCI-Subject" in reply.headers

    async def referrers(self, repository: Repository, subject: str) -> tuple[Manifest, ...]:
        """Return the pages of the list of what refers to a digest; none without that API.

        :raises RegistryError: if a page is not an index, or the pages never end.
        """
        url = f"{self.address(repository)}/referrers/{subject}"
        call = Call(method="GET", url=url, scopes=scope(repository, PULL), limit=MANIFEST_LIMIT)
        pages: list[Manifest] = []
        for _ in range(_REFERRER_PAGES):
            reply = await self._transport.send(call)
            if reply.status in _NO_REFERRERS and not pages:
                return ()
            if reply.status != HTTPStatus.OK:
                raise unexpected(reply, call.place)
            pages.append(Manifest(body=reply.body, media_type=OCI_INDEX))
            address = next_page(reply.headers, call.url)
            if not address:
                return tuple(pages)
            call = replace(call, url=address)
        raise RegistryError(f"{call.place}: more than {_REFERRER_PAGES} pages of referrers")

    async def pause(self, attempt: int) -> None:
        """Wait as long as before a request is sent again; `attempt` counts from 1."""
        await self._transport.retry.pause(attempt)

    async def delete(
        self,
        repository: Repository,
        reference: str,
        *,
        named: str | None = None,
        look: Look = unsettled,
    ) -> str:
        """Delete a tag or digest; return a value of `DeleteOutcome`.

        `named` is the digest that the tag was seen to name just before, as with `put`. For a
        digest that tags may have come to name, `look` is awaited before the request is repeated.

        :raises ConflictError: if the tag names another one before the request is repeated.
        """
        call = self._manifest_call("DELETE", repository, reference, REMOVE)

        async def settled() -> Reply | None:
            await look()
            if is_digest(reference):
                return None
            live = await self.head(repository, reference)
            if live is None:
                return in_effect(HTTPStatus.ACCEPTED)
            _require_named(f"{repository}:{reference}", live, named, "removed")
            return None

        reply = await self._transport.send(call, settled)
        if reply.status in _DELETED:
            return DeleteOutcome.DONE
        if reply.status == HTTPStatus.NOT_FOUND:
            return DeleteOutcome.ABSENT
        if reply.status in _UNSUPPORTED:
            return DeleteOutcome.UNSUPPORTED
        raise unexpected(reply, call.place)

    async def tags(self, repository: Repository) -> TagList:
        """List every tag, over all pages."""
        # Pages of a size; where that is refused of a smaller one, then of any.
        for size in _PAGE_SIZES:
            wish = f"?n={size}" if size else ""
            call = Call(
                method="GET",
                url=f"{self.address(repository)}/tags/list{wish}",
                scopes=scope(repository, PULL),
                limit=_PAGE_LIMIT,
            )
            reply = await self._transport.send(call)
            if reply.status not in _TOO_MANY_ASKED:
                break
        if reply.status == HTTPStatus.NOT_FOUND:
            return TagList(tags=(), known=False)
        found: set[str] = set()
        seen: set[str] = set()
        while True:
            if reply.status != HTTPStatus.OK:
                raise unexpected(reply, call.place)
            found |= set(_page_of(reply.body, call.place))
            seen.add(call.url)
            address = next_page(reply.headers, call.url)
            if not address:
                date = _date_of(reply.headers.get("Date", ""))
                return TagList(tags=tuple(sorted(found)), known=True, date=date)
            if address in seen or len(seen) == _PAGES:
                raise RegistryError(f"{repository}: the pages of the tag list never end")
            call = replace(call, url=address)
            reply = await self._transport.send(call)

    def _manifest_call(
        self,
        method: str,
        repository: Repository,
        reference: str,
        actions: str,
        manifest: Manifest | None = None,
    ) -> Call:
        headers = _ACCEPT if manifest is None else {"Content-Type": manifest.media_type}
        return Call(
            method=method,
            url=f"{self.address(repository)}/manifests/{quote(reference, safe=':')}",
            scopes=scope(repository, actions),
            headers=headers,
            content=None if manifest is None else manifest.body,
            limit=MANIFEST_LIMIT,
        )


def _require_named(place: str, live: str | None, named: str | None, to_be: str) -> None:
    if live != named:
        raise moved(place, live, f"a moment ago {named or 'nothing'}, to be {to_be}")


def _require_same(expected: str, found: str, place: str) -> None:
    if is_digest(expected) and expected != found:
        raise DamagedError(
            f"{place}: the registry's answer has digest {found}, not {expected}; nothing was "
            "taken from it"
        )


def _own_media_type(body: bytes) -> str:
    try:
        fields = parse_json(body, "")
    except MalformedError:
        return ""
    return str(fields.get("mediaType", "")) if isinstance(fields, dict) else ""


def _page_of(body: bytes, place: str) -> list[str]:
    fields = parse_json(body, f"{place}: the tag list")
    if not isinstance(fields, dict) or "tags" not in fields:
        # An error document with status 200 is not a list of a repository without tags.
        raise RegistryError(f"{place}: the tag list is malformed: it has no tags")
    # An emptied repository lists null (measured on distribution 3.1).
    tags = [] if fields["tags"] is None else fields["tags"]
    if not isinstance(tags, list) or not all(isinstance(tag, str) and is_tag(tag) for tag in tags):
        raise RegistryError(f"{place}: the tag list is malformed")
    return tags


def _date_of(header: str) -> str:
    """Return the time of an answer (RFC 9110, "Date") as RFC 3339 in UTC, empty where unusable."""
    try:
        moment = parsedate_to_datetime(header)
        utc = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
