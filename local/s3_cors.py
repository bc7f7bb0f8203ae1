"""Which page may speak to a bucket from a browser: CORS as S3 does it, by the bucket's rules in the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class CorsRule:
    """Origins and methods; an origin may hold one `*`."""

    origins: Sequence[str]
    methods: Sequence[str]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket by its name, with its rules."""

    name: str
    cors: Sequence[CorsRule] = ()

    def admits(self, origin: str, method: str) -> Mapping[str, str]:
        """What the browser is told; nothing where no rule lets a page of `origin` use `method`."""
        for rule in self.cors:
            if method in rule.methods and any(fnmatchcase(origin, allowed) for allowed in rule.origins):
                allowed = "*" if "*" in rule.origins else origin
                return {
                    "Access-Control-Allow-Origin": allowed,
                    "Access-Control-Allow-Methods": ", ".join(rule.methods),
                    "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
                }
        return {}
