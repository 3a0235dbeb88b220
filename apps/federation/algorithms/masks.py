"""Masks that hide every device's numbers and cancel in their sum (Bonawitz et al., CCS 2017).

A device adds to its vector of Z/2³² a mask of its own and, for each neighbor, one that both can
derive from their keys: the one with the lower number adds it, the other subtracts it. Neighbors
are those of a ring (Bell et al., CCS 2020), all of them where there are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

Ring = NDArray[np.uint32]  # sums wrap around: arithmetic modulo 2³²

KEY_BYTES = 32
_NO_NONCE = bytes(12)  # no key is used twice


class KeyPair:
    """An X25519 key, new or of 32 private bytes."""

    def __init__(self, private: bytes | None = None) -> None:
        self._key = (
            X25519PrivateKey.from_private_bytes(private) if private else X25519PrivateKey.generate()
        )
        self._shared: dict[bytes, bytes] = {}  # an exchange takes as long as all the rest

    @property
    def private(self) -> bytes:
        """The key itself."""
        return self._key.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """What others need to agree on something with its owner."""
        return self._key.public_key().public_bytes_raw()

    def agreed(self, public: bytes, purpose: str) -> bytes:
        """Return 32 bytes that only the two owners can derive, other ones for each purpose.

        Raises ValueError for a public key that is a point of low order.
        """
        if public not in self._shared:
            self._shared[public] = self._key.exchange(X25519PublicKey.from_public_bytes(public))
        secret = self._shared[public]
        return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def is_usable(public: bytes) -> bool:
    """Say whether others can agree on anything with this key."""
    try:
        KeyPair().agreed(public, "")
    except ValueError:
        return False
    return True


def seal(key: KeyPair, public: bytes, *, sender: int, receiver: int, plain: bytes) -> bytes:
    """Encrypt what one device tells another; once a direction and pair of keys."""
    return _cipher(key, public, sender, receiver).encrypt(_NO_NONCE, plain, None)


def unseal(key: KeyPair, public: bytes, *, sender: int, receiver: int, sealed: bytes) -> bytes:
    """Decrypt what `seal` made; raises `cryptography.exceptions.InvalidTag` for anything else."""
    return _cipher(key, public, sender, receiver).decrypt(_NO_NONCE, sealed, None)


def own_mask(seed: bytes, n: int) -> Ring:
    """Return uint32[n], the key stream of ChaCha20 under a seed of 32 bytes."""
    stream = Cipher(ChaCha20(seed, bytes(16)), mode=None).encryptor().update(bytes(4 * n))
    return np.frombuffer(stream, "<u4")


def pair_masks(number: int, key: KeyPair, peers: Mapping[int, bytes], n: int) -> Ring:
    """Return uint32[n]: all that a device adds and subtracts for peers, public keys by number."""
    total = np.zeros(n, np.uint32)
    for peer, public in peers.items():
        mask = own_mask(key.agreed(public, "mask"), n)
        total += mask if number < peer else -mask
    return total


def summed(vectors: Iterable[Ring], n: int) -> Ring:
    """Return the sum uint32[n], zero of none."""
    return sum(vectors, np.zeros(n, np.uint32))


def neighbors(number: int, n_devices: int, n_neighbors: int) -> list[int]:
    """Return whom a device of a ring 1…n_devices shares masks with: as many on either side.

    Neighborhood is mutual. `n_neighbors` is even; where there are no more others, all of them.
    """
    if n_devices <= n_neighbors + 1:
        return [other for other in range(1, n_devices + 1) if other != number]
    half = n_neighbors // 2
    steps = [*range(-half, 0), *range(1, half + 1)]
    return sorted((number - 1 + step) % n_devices + 1 for step in steps)


def threshold_of(n_neighbors: int) -> int:
    """Return how many neighbors know a secret together: more than half, so that no two halves do.

    Else one half could be asked for a device's own mask, the other for its key.
    """
    return n_neighbors // 2 + 1


def _cipher(key: KeyPair, public: bytes, sender: int, receiver: int) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(key.agreed(public, f"seal {sender}>{receiver}"))
