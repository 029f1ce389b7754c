"""The key that signs evidence in the registry on this machine, made once for a checkout."""

from pathlib import Path

from fleet.checkout.planning import OWN_KEY
from fleet.evidence.keys import SigningKey, new_key
from fleet.local import private_files
from fleet.local.paths import Checkout


def ensure(checkout: Checkout) -> Path:
    """Return the file of the private key; make it and the public one beside it where needed.

    :raises fleet.evidence.errors.EvidenceError: if the file holds no key to sign with.
    """
    path, public = file(checkout), checkout.root / OWN_KEY
    checkout.make_state()
    if not path.exists():
        private_files.write(path, new_key())
        public.unlink(missing_ok=True)
    if not public.exists():
        private_files.write(public, SigningKey.parse(path.read_text("utf-8"), str(path)).public.pem)
    return path


def file(checkout: Checkout) -> Path:
    """Return the file of the private key, which may not be there yet."""
    return checkout.signing / "private.pem"
