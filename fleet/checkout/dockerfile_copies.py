"""Which files a Dockerfile takes from a named context, as far as that is certain.

This is not a parser of Dockerfiles. It knows the few ways in which files are commonly taken;
wherever else the name of the context stands, or could come from, is not understood.
"""

import posixpath
import re

_DIRECTIVE = re.compile(r"(?im)^\s*#\s*(?:escape|syntax)\s*=")
_COMMENT = re.compile(r"(?m)^[ \t]*(?:#.*)?\n")
_CONTINUED = re.compile(r"(?m)(^|[^\\])\\[ \t]*\n")
_HIDDEN = re.compile(r"(?i)from=[\"'\\$0-9]")
"""A name in quotes or from a variable, or the number of a stage, which may be the context's."""
_SPELT = {"src": "source"}
_PLAIN = r"[^\s$*?\[\]\\\"'<>]+"
_FLAG = r"[ \t]+--[^\s\"'\\]+"


def taken(dockerfile: str, context: str) -> tuple[str, ...] | None:
    """Return the files and folders that the text ``dockerfile`` takes from ``context``.

    They are paths in that context, the empty one all of it. ``None`` says that it is not certain:
    a variable, a wildcard, a stage by its number, or a use of the name that is not known here.
    """
    if _DIRECTIVE.search(dockerfile):
        return None
    found: list[str] = []

    def copied(match: re.Match[str]) -> str:
        found.extend(match["paths"].split())
        return ""

    def mounted(match: re.Match[str]) -> str:
        pairs = (field.partition("=") for field in match[1].split(","))
        fields = {_SPELT.get(key.lower(), key.lower()): value for key, _, value in pairs}
        source = fields.get("source", "")
        if fields.get("from", "").lower() != context or not re.fullmatch(_PLAIN, source):
            return match[0]
        found.append(source)
        return ""

    text = _COMMENT.sub("", dockerfile.removeprefix("\ufeff").replace("\r\n", "\n") + "\n")
    text = _CONTINUED.sub(r"\1", text)
    text = re.sub(
        rf"(?im)^[ \t]*COPY(?:{_FLAG})*?[ \t]+--from={context}(?:{_FLAG})*"
        rf"(?P<paths>(?:[ \t]+(?!--){_PLAIN})+)[ \t]+{_PLAIN}[ \t]*$",
        copied,
        text,
    )
    text = re.sub(r"--mount=([^\s\"'\\]+)(?=\s)", mounted, text)
    text = re.sub(
        rf"(?im)^[ \t]*FROM[ \t](?:(?!{context}).)*[ \t]AS[ \t]+{context}[ \t]*$", "", text
    )
    if context in text.lower() or _HIDDEN.search(text):
        return None
    cleaned = (posixpath.normpath(f"/{path.lstrip('/')}").strip("/") for path in found)
    return tuple(dict.fromkeys(cleaned))
