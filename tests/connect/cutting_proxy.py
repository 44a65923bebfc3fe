"""A way to a broker that can be cut and mended: the broker goes away, and comes back."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from urllib.parse import urlsplit, urlunsplit


class CuttingProxy:
    """Passes bytes on from a port of its own.

    Parameters
    ----------
    address
        URL of the broker.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._open = list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        user, at, _ = parts.netloc.rpartition("@")
        self.address = urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self._port}"))
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """No connection lives, and none can be made."""
        _end(self._listener)
        for each in self._open:
            _end(each)
        self._open.clear()

    def mend(self) -> None:
        """The way is open again."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
                there = socket.create_connection(self._target)
            except OSError:
                return
            self._open += [here, there]
            for one, other in ((here, there), (there, here)):
                Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    _end(one)
    _end(other)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
