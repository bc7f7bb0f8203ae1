"""What the page's files are sent with, by CloudFront and by the local run alike, and what the API tells its origin."""

from collections.abc import Mapping

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Suffix -> type, of every file in web/: what a machine's own table says of them differs."""

REQUEST_HEADERS = "authorization,content-type,idempotency-key,x-api-key"
"""What the page sends that a browser asks leave for first."""
_READ = "location,retry-after,server-timing,x-request-id"


def security_headers(*elsewhere: str) -> Mapping[str, str]:
    """Name -> value. The page may talk to its own origin and to those `elsewhere`, such as the API; to nobody else."""
    reached = " ".join(("'self'", *elsewhere))
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        f"worker-src 'self'; connect-src {reached}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def readable_from(origin: str) -> Mapping[str, str]:
    """Name -> value, of an answer that a page of this one origin may read."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _READ, "Vary": "Origin"}
