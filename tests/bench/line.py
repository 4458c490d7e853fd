"""A line of a real delay: two network namespaces joined by TUN devices, and a forwarder in between. Needs root.

    line.py NAME ROUND_TRIP_MS

Makes the namespaces NAME-client and NAME-server, says `ready`, and takes them away again once its standard input closes.
TCP runs on both sides as it does over a long line: its own handshake, slow start, Nagle's algorithm and delayed
acknowledgements cost what they cost there. The line is fast and loses nothing: it shows what waiting costs, not bandwidth.
"""

import collections
import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time

CLIENT, SERVER = "10.255.77.1", "10.255.77.2"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(namespace)


def device(namespace):
    """A TUN device in a namespace: it stays there, whoever holds it."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter(os.open(f"/run/netns/{namespace}", os.O_RDONLY))
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"line0", IFF_TUN | IFF_NO_PI))
    enter(home)
    return tun


def set_up(namespace, ours, theirs):
    ip("netns", "add", namespace)
    ip("-n", namespace, "link", "set", "lo", "up")
    tun = device(namespace)
    ip("-n", namespace, "addr", "add", ours, "peer", theirs, "dev", "line0")
    # A packet that waits for the forwarder is late, not lost.
    ip("-n", namespace, "link", "set", "line0", "up", "txqueuelen", "20000")
    return tun


def forward(one, other, delay):
    late, to = collections.deque(), {one: other, other: one}
    poll = select.epoll()
    for descriptor in (one, other, 0):
        poll.register(descriptor, select.EPOLLIN)
    while True:
        wait = max(late[0][0] - time.monotonic(), 0) if late else -1
        # epoll counts in milliseconds and rounds up; a look at the clock is all that a shorter wait needs.
        ready = poll.poll(wait if wait > 0.001 or wait < 0 else 0)
        for descriptor, _ in ready:
            if descriptor == 0:
                return
            for _ in range(64):
                try:
                    packet = os.read(descriptor, 65536)
                except BlockingIOError:
                    break
                late.append((time.monotonic() + delay, to[descriptor], packet))
        while late and late[0][0] <= time.monotonic():
            _, descriptor, packet = late.popleft()
            try:
                os.write(descriptor, packet)
            except OSError:
                # As on any line, TCP sends it again.
                pass


def main(name, round_trip):
    client, server = f"{name}-client", f"{name}-server"
    # Whoever ends it gets the namespaces taken away too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        ends = [set_up(client, CLIENT, SERVER), set_up(server, SERVER, CLIENT)]
        print("ready", flush=True)
        forward(*ends, round_trip / 2000)
    finally:
        for namespace in (client, server):
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)


main(sys.argv[1], float(sys.argv[2]))
