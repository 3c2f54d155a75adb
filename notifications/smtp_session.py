"""One SMTP conversation as a patient server: lines of any length, an empty sender, and no answer before the deed."""

import asyncio
import re
import socket

import structlog
from aiosmtpd.smtp import SMTP, syntax

IDENT = "Reglament"
DATA_END = b"\r\n.\r\n"
READ_LIMIT = 256 * 1024  # bytes held before the client must wait; no limit on lines
PATIENCE = 600.0  # seconds for one command with all its data (RFC 5321, 4.5.3.2)
ADDRESS = re.compile(r"\s*(?:<(?P<path>[^<>]*)>|(?P<bare>\S+))\s*(?P<rest>.*)", re.DOTALL)

MOST_SESSIONS = 50  # each may hold one mail in memory

Neighbours = set["SmtpSession"]

log = structlog.get_logger(__name__)


class SmtpSession(SMTP):
    """aiosmtpd's server, mended where real mail hurts it.

    Its reading of DATA keeps each line as an object of its own and refuses long ones; here the data is taken in pieces.
    The greeting decides the protocol: after LHLO the session speaks LMTP.
    """

    line_length_limit = READ_LIMIT  # the reader's buffer; DATA below has no limit on lines

    def __init__(
        self, handler: object, *, neighbours: Neighbours, size_limit: int, hostname: str | None = None
    ) -> None:
        """`neighbours` are the open sessions of the same port; `size_limit` is in bytes."""
        super().__init__(
            handler,
            data_size_limit=size_limit,
            enable_SMTPUTF8=True,
            hostname=hostname or socket.gethostname(),  # never getfqdn, which may wait for a name server
            ident=IDENT,
            timeout=PATIENCE,
            loop=asyncio.get_running_loop(),
        )
        self.lmtp = False
        self._neighbours = neighbours

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._neighbours.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._neighbours.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def _handle_client(self) -> None:
        if len(self._neighbours) > MOST_SESSIONS:
            await self.push("421 4.7.0 Too many connections, please try again later")
            self.hang_up()
            return
        await super()._handle_client()

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:
        self.lmtp = True
        await super().smtp_EHLO(hostname)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed():
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_data()
        if content is None:
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            await self.push("552 5.3.4 Error: too much mail data")
            return
        self.envelope.content = self.envelope.original_content = content
        status = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)

    async def _read_data(self) -> bytes | None:
        """The mail without its transparency dots; None when it was too big, after reading it to its end."""
        reader = self._reader
        # The end may follow at once. With a line end of ours in front, the end mark always looks the same.
        reader._buffer[:0] = b"\r\n"  # type: ignore[attr-defined]
        content: bytearray | None = bytearray()
        ended = False
        while not ended:
            try:
                piece = await reader.readuntil(DATA_END)
                ended = True
            except asyncio.LimitOverrunError as overrun:
                piece = await reader.readexactly(overrun.consumed)
            if content is not None:
                content += piece
                if self.data_size_limit and len(content) > self.data_size_limit + len(DATA_END) + 2:
                    content = None  # the rest is read and forgotten
        if content is None:
            return None
        undotted = bytes(content[: -len(DATA_END) + 2]).replace(b"\r\n.", b"\r\n")
        return undotted.removeprefix(b"\r\n")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The address and what follows it. The empty sender comes as `<>`, since aiosmtpd takes "" for a mistake."""
        found = ADDRESS.fullmatch(arg)
        if found is None:
            return None, None
        address = found["path"] if found["path"] is not None else found["bare"]
        return address.strip() or "<>", found["rest"]

    async def handle_exception(self, error: Exception) -> str:
        log.error("smtp session failed", peer=self.session and self.session.peer, exc_info=error)
        return "451 4.3.0 Error: please try again later"


def plain_address(address: str | None) -> str:
    """An envelope's address as text a database takes: "" for the empty sender, no lone surrogates."""
    if address is None or address == "<>":
        return ""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class OpenDoor:
    """A listening port whose sessions live in the current event loop."""

    def __init__(self, server: asyncio.Server, neighbours: Neighbours) -> None:
        self._server = server
        self._neighbours = neighbours

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and hang up on everybody."""
        self._server.close()
        for session in list(self._neighbours):
            session.hang_up()
        await self._server.wait_closed()


async def open_door(handler: object, *, host: str, port: int, size_limit: int, hostname: str | None = None) -> OpenDoor:
    """Listen for SMTP and LMTP; port 0 takes a free one. Raises `OSError` when the port is taken."""
    neighbours: Neighbours = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: SmtpSession(handler, neighbours=neighbours, size_limit=size_limit, hostname=hostname),
        host=host,
        port=port,
    )
    return OpenDoor(server, neighbours)
