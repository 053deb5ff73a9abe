"""Bodies of requests, never more of them in memory than a photograph may have."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from jaxsplat.serving.service import Limits


async def read(request: Request, limits: Limits) -> bytes:
    """Returns the body.

    One that is too large is read on for as much again, and forgotten: a client that is
    still sending would not hear the answer.

    Raises:
        HTTPException: it is too large (413), took too long (408), or broke off (400).
    """
    most = limits.body_bytes
    too_large = HTTPException(413, f"expected a photograph of at most {most} bytes")
    if _stated_length(request) > 2 * most:
        raise too_large
    pieces: list[bytes] = []
    count = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for piece in request.stream():
                count += len(piece)
                pieces.append(piece)
                if count > most:
                    pieces.clear()
                if count > 2 * most:
                    break
    except TimeoutError:
        raise HTTPException(408, "the photograph did not come in time") from None
    except ClientDisconnect:
        raise HTTPException(400, "the photograph broke off") from None
    if count > most:
        raise too_large
    return b"".join(pieces)


async def discard(request: Request, limits: Limits) -> None:
    """Reads a body as `read` does, and keeps nothing, whatever becomes of it."""
    try:
        await read(request, limits)
    except HTTPException:
        return


def _stated_length(request: Request) -> int:
    stated = request.headers.get("content-length", "0")
    return int(stated) if stated.isdecimal() else 0
