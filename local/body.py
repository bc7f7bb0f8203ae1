"""Reads what a client sends, and stops as soon as it is too much."""

from starlette.requests import Request


async def read_body(request: Request, limit: int) -> bytes | None:
    """The body, or None as soon as it is known to be larger than `limit` bytes. Raises ClientDisconnect."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            return None
    return bytes(content)
