"""What an Idempotency-Key stands for: one caller's one request for one job, claimed by a conditional write.

A claim is an object named for the caller, the model and the key, with a digest of the body and the job's id. S3 lets
one writer alone create it, and one alone replace what it has read, so of requests that come together one starts the
job. If that one fails, it gives the claim up; if it dies, the claim is free once no function of then can still live.
"""

import hashlib
import json
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from contract.errors import ApiError, IdempotencyKeyInUse, IdempotencyKeyReused, InvalidIdempotencyKey
from contract.limits import JOBS, PUBLIC
from lambda_handlers.proxy.storage import Storage, Stored


@dataclass(frozen=True, slots=True)
class Key:
    """One caller's Idempotency-Key for one model, and the digest of the body that came with it."""

    name: str
    body: str

    @classmethod
    def read(cls, sent: str, caller: str, model: str, body: bytes) -> "Key":
        """Raises InvalidIdempotencyKey."""
        if not (1 <= len(sent) <= JOBS.max_key_chars and sent.isascii() and sent.isprintable()):
            raise InvalidIdempotencyKey(**PUBLIC)
        of = json.dumps([caller, model, sent]).encode()
        return cls(f"jobs/keys/{hashlib.sha256(of).hexdigest()}.json", hashlib.sha256(body).hexdigest())


@dataclass(frozen=True, slots=True)
class Claim:
    """`holder` is the request that starts the job, or did, `since` then, in epoch seconds; 0 says that it gave up."""

    body: str
    job: str
    holder: str
    since: int


class Claims:
    """The claims in `storage`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def find(self, key: Key) -> tuple[Claim, Stored] | None:
        """The claim on `key`, and the object it was read from. Raises IdempotencyKeyReused."""
        stored = self._storage.read(key.name)
        if stored is None or stored.content is None:
            return None
        claim = Claim(**json.loads(stored.content))
        if claim.body != key.body:
            raise IdempotencyKeyReused
        return claim, stored

    def take(self, key: Key, found: tuple[Claim, Stored] | None, job: str) -> Claim:
        """A claim of our own, on the job found, or else on `job`. Raises IdempotencyKeyInUse, IdempotencyKeyReused."""
        now, was = int(time.time()), None
        mine = Claim(key.body, job, secrets.token_hex(8), now)
        if found is not None:
            claim, was = found
            if now < claim.since + JOBS.claim_s:
                raise IdempotencyKeyInUse
            mine = replace(mine, job=claim.job)
        if not self._write(key, mine, was):
            winner = self.find(key)
            if winner is None or winner[0] != mine:  # ours after all, when the SDK sent it twice
                raise IdempotencyKeyInUse
        return mine

    def give_up(self, key: Key, mine: Claim) -> None:
        """Lets the next request with this key start the job at once. A claim that stays is free later."""
        with suppress(ApiError):
            found = self.find(key)
            if found is not None and found[0] == mine:
                self._write(key, replace(mine, since=0), found[1])

    def _write(self, key: Key, claim: Claim, was: Stored | None) -> bool:
        return self._storage.write_if(key.name, json.dumps(asdict(claim)).encode(), was)
