"""Refusals reach clients that are still sending: the rest of a body is read before the answer."""

from __future__ import annotations

from typing import Any

DRAINED = 256 * 2**20
"""Bytes that are thrown away at most; after that the connection is closed in the face of the client."""


class DrainBodies:
    """ASGI middleware that reads what an application has left of a request before its answer begins.

    A server closes a connection with unread data, and most clients then report a broken connection in place
    of the answer.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the application."""
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        more = True

        async def tracked_receive() -> Any:
            nonlocal more
            message = await receive()
            more = message['type'] == 'http.request' and message.get('more_body', False)
            return message

        async def send_after_the_body(message: Any) -> None:
            number = 0
            while message['type'] == 'http.response.start' and more and number < DRAINED:
                number += len((await tracked_receive()).get('body', b''))
            await send(message)

        await self.app(scope, tracked_receive, send_after_the_body)
