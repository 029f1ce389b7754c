"""Where the parts of a YAML document begin and end in its text."""

import yaml


def end_of(node: yaml.Node) -> int:
    """Return where the content of ``node`` ends; a block's mark is where the next one begins."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return end_of(last[1] if isinstance(last, tuple) else last)


def source(text: str, node: yaml.Node) -> str:
    """Return ``node`` as it is written."""
    return text[node.start_mark.index : node.end_mark.index]


def lead_of(text: str, node: yaml.Node) -> str:
    """Return what stands before ``node`` on its line."""
    return text[line_start(text, node.start_mark.index) : node.start_mark.index]


def line_start(text: str, index: int) -> int:
    """Return where the line of ``index`` begins."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Return where the line of ``index`` ends, its newline included."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def newline(text: str) -> str:
    """Return how the lines of ``text`` end."""
    return "\r\n" if "\r\n" in text else "\n"
