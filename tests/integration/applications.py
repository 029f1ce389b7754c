"""Applications that tests copy into a container, and what they answer."""

_ANSWERS = '''
import asyncio, json, os, subprocess, time

def answer(path):
    """The process and its environment; other paths act first."""
    if path.endswith("/orphan"):
        # Its parent ends at once, so that the first process of the container inherits it.
        made = subprocess.run(["sh", "-c", "sleep 0 & echo $!"], stdout=subprocess.PIPE)
        return made.stdout
    if path.endswith("/held"):
        print("held", flush=True)
        while not os.path.exists("/tmp/go"):
            time.sleep(0.02)
        return b"let go"
    umask = os.umask(0o77)
    os.umask(umask)
    seen = {"env": dict(os.environ), "cwd": os.getcwd(), "umask": umask, "module": __name__}
    return json.dumps(seen).encode()
'''
_ASGI = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    body = await asyncio.to_thread(answer, scope["path"])
    root = (b"root-path", scope["root_path"].encode())
    await send({"type": "http.response.start", "status": 200, "headers": [root]})
    await send({"type": "http.response.body", "body": body})
"""
_WSGI = """
def app(environ, start_response):
    body = answer(environ["PATH_INFO"])
    start_response("200 OK", [])
    return [body]
"""
_FACTORY = """
def create_app():
    return application
"""


def application(image: str) -> str:
    """The text of a module with the variable ``app``, for an image by its name."""
    return _ANSWERS + (_WSGI if image == "python-gunicorn" else _ASGI)


def factory(image: str) -> str:
    """The text of a module with the function ``create_app`` and no application of its own."""
    return application(image).replace(" app(", " application(") + _FACTORY
