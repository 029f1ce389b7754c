"""The key that signs evidence in the registry on this machine, made once for a checkout."""

from typing import Final

from fleet.checkout.planning import OWN_KEY
from fleet.evidence.keys import SigningKey, new_key
from fleet.local import private_files
from fleet.local.paths import Checkout

PRIVATE: Final = "private.pem"
"""The file of the private key in the folder ``signing`` of a checkout."""


def ensure(checkout: Checkout) -> None:
    """Make the private key and the public one beside it, where needed.

    :raises fleet.evidence.errors.EvidenceError: if the file holds no key to sign with.
    """
    path, public = checkout.signing / PRIVATE, checkout.root / OWN_KEY
    checkout.make_state()
    if not path.exists():
        private_files.write(path, new_key())
        public.unlink(missing_ok=True)
    if not public.exists():
        private_files.write(public, SigningKey.parse(path.read_text("utf-8"), str(path)).public.pem)
