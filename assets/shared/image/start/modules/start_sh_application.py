"""A factory without arguments, for an APP_MODULE that calls one with arguments, as gunicorn may.

Named so that it and a module of the application's cannot be taken for each other.
"""

from __future__ import annotations

import ast
import importlib
import os
from typing import Any


def create() -> Any:
    """Call what START_SH_APPLICATION says, such as `main:create_app("shop", debug=True)`.

    Raises ValueError where an argument is not a literal.
    """
    module, _, text = os.environ["START_SH_APPLICATION"].partition(":")
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(  # noqa: TRY004 - a text
            f"APP_MODULE: {text!r} calls no function by its name"
        )
    words = [ast.literal_eval(word) for word in call.args]
    named = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    return getattr(importlib.import_module(module), call.func.id)(*words, **named)
