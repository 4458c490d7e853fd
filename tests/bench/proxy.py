"""A proxy on loopback that delays every octet and counts flights.

    proxy.py TARGET_PORT ONE_WAY_MS

Prints its port, then a line for each connection once it has ended: how many flights the client sent. A flight is what
the client sends until the server speaks again; it is what costs a round trip. The connection itself is not delayed: TCP's
own round trip does not show, and neither do Nagle's algorithm and delayed acknowledgements, for both ends of the proxy are
loopback. It ends once its standard input closes.
"""

import asyncio
import os
import socket
import sys


class Side(asyncio.Protocol):
    def __init__(self, delay, flights):
        self.delay, self.flights = delay, flights
        self.peer = None
        self.last = 0.0

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(1 << 30)
        if not self.flights["is_client"](self):
            # A server that speaks first waits until there is somebody to pass it to.
            transport.pause_reading()

    def data_received(self, octets):
        if self.flights["speaker"] is not self:
            self.flights["speaker"] = self
            self.flights["client"] += self.flights["is_client"](self)
        self.later(self.peer.transport.write, octets)

    def connection_lost(self, error):
        self.later(self.peer.transport.close)
        if self.flights.pop("open", None):
            print(self.flights["client"], flush=True)

    def later(self, what, *arguments):
        loop = asyncio.get_running_loop()
        # Never earlier than what went before: the loop does not keep the order of equal times.
        self.last = max(loop.time() + self.delay, self.last + 1e-7)
        loop.call_at(self.last, self.quietly, what, arguments)

    @staticmethod
    def quietly(what, arguments):
        try:
            what(*arguments)
        except (OSError, RuntimeError):
            pass


async def main(target, delay):
    loop = asyncio.get_running_loop()

    async def pair(client):
        flights = {"speaker": None, "client": 0, "open": True}
        near, far = Side(delay, flights), Side(delay, flights)
        near.peer, far.peer = far, near
        flights["is_client"] = lambda side: side is near
        # Reading from the client begins once there is somebody to pass it to.
        await loop.create_connection(lambda: far, "127.0.0.1", target)
        await loop.connect_accepted_socket(lambda: near, client)
        far.transport.resume_reading()

    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)
    asyncio.get_running_loop().add_reader(0, os._exit, 0)
    while True:
        client, _ = await loop.sock_accept(listener)
        await pair(client)


asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
