"""Secrets of an environment: sealed by who writes them, opened by GitHub alone."""

import base64
from dataclasses import dataclass, field

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from tests.github.call import NOTHING, Call, Clock, answer, error
from tests.registries.github import Answer

_KEY_ID = "568250167242549743"


@dataclass
class Secrets:
    """`values` are what was sealed, opened with the environment's own key."""

    clock: Clock
    values: dict[str, str] = field(default_factory=dict)
    _key: PrivateKey = field(default_factory=PrivateKey.generate)
    _times: dict[str, tuple[str, str]] = field(default_factory=dict)

    def public_key(self) -> Answer:
        key = base64.b64encode(bytes(self._key.public_key)).decode()
        return answer({"key_id": _KEY_ID, "key": key})

    def read(self, call: Call) -> Answer:
        name = call.values["secret_name"]
        if name not in self._times:
            return error(404, "Not Found")
        created, updated = self._times[name]
        return answer({"name": name, "created_at": created, "updated_at": updated})

    def write(self, call: Call) -> Answer:
        name, body = call.values["secret_name"], call.body
        if body["key_id"] != _KEY_ID:
            return error(400, "key_id is not that of the public key")
        try:
            opened = SealedBox(self._key).decrypt(base64.b64decode(body["encrypted_value"]))
        except CryptoError:
            return error(400, "encrypted_value was not sealed for the public key")
        known = name in self.values
        self.keep(name, opened.decode())
        return NOTHING if known else answer({}, 201)

    def delete(self, call: Call) -> Answer:
        name = call.values["secret_name"]
        if name not in self.values:
            return error(404, "Not Found")
        self.drop(name)
        return NOTHING

    def drop(self, name: str) -> None:
        """Forget a secret, as a person can on GitHub's own pages."""
        del self.values[name], self._times[name]

    def keep(self, name: str, value: str) -> None:
        now = self.clock.now()
        self._times[name] = (self._times.get(name, (now, now))[0], now)
        self.values[name] = value
