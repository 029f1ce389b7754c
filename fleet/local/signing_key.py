"""The key that signs evidence in the registry on this machine, made once for a checkout."""

from typing import Final

from fleet.checkout.planning import OWN_KEY
from fleet.evidence.keys import SigningKey, new_key
from fleet.local import private_files
from fleet.local.paths import Checkout
from fleet.local.run_lock import alone

PRIVATE: Final = "private.pem"
"""The file of the private key in the folder ``signing`` of a checkout."""


def ensure(checkout: Checkout) -> None:
    """Make the private key where needed, and have the public one beside it be its own.

    Of two first runs at once, one makes the key: the other would sign with one that is gone.

    :raises fleet.evidence.errors.EvidenceError: if the file holds no key to sign with.
    """
    path, public = checkout.signing / PRIVATE, checkout.root / OWN_KEY
    checkout.make_state()
    with alone(checkout.state / "signing.lock", "waiting for another run to make the signing key"):
        if not path.exists():
            private_files.write(path, new_key())
        key = SigningKey.parse(path.read_text("utf-8"), str(path))
        private_files.write(public, key.public.pem)
