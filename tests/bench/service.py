#!/usr/bin/env python3
"""What the resident service costs: questions a second, idle connections, warm sessions, and whether anything grows.

    tests/bench/service.py [--binary PATH] [--short] [questions] [idle] [warm] [transactions]

Each part prints its figures and its aim. It needs nothing but Python and the program; the provider is `sendvia sandbox`.
`cargo build --release --bin sendvia --example questions` makes both the program and the client that asks.
Run it on a quiet machine: the figures of a loaded one say nothing."""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

DOMAIN = "customers.example"
PASSWORD = "kanarienvogel-7193"
MESSAGE = ("Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <%s@client.example>\r\nFrom: %s\r\n"
           "To: b@x.example\r\nSubject: Hello\r\n\r\n" + ("Greetings! " * 6 + "\r\n") * 60)


class Site:
    """A configuration with so many accounts, a sandbox as their provider, and the service."""

    def __init__(self, binary, accounts, more="", provider=False):
        self.binary, self.users = binary, ", anonymous" if provider else ""
        self.path = tempfile.mkdtemp(prefix="sendvia-bench-")
        self.sandbox = self.service = None
        port = self.start_sandbox() if provider else 1
        os.mkdir(f"{self.path}/accounts.d")
        for number in range(accounts):
            self.account(number, port)
        with open(f"{self.path}/sendvia.yaml", "w") as file:
            ca = f"tls: {{ca_file: {self.path}/sandbox/ca.pem}}\n" if provider else ""
            file.write(f"{ca}state: state\nlog: {{to: none}}\nauthorise: users\nlisten:\n")
            for name in ("lmtp", "policy", "map"):
                file.write(f"  {name}: 'unix:{self.path}/{name}'\n")
            file.write(more)
        self.start_service()

    def account(self, number, port):
        name = f"{self.path}/accounts.d/c{number}@{DOMAIN}.yaml"
        with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"submission: {{host: localhost, port: {port}, tls: starttls}}\nlogin: c{number}@{DOMAIN}\n"
                       f"secret: {{plain: {PASSWORD}}}\nusers: [c{number}{self.users}]\n")

    def start_sandbox(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [self.binary, "sandbox", "--listen", f"127.0.0.1:{port}", "--dir", f"{self.path}/sandbox", "--discard",
                   "--extension", "pipelining", "--extension", "8bitmime"]
        self.sandbox = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_for(lambda: connects(("127.0.0.1", port), socket.AF_INET) and os.path.exists(f"{self.path}/sandbox/ca.pem"))
        return port

    def start_service(self):
        self.service = subprocess.Popen([self.binary, "serve", "--config", f"{self.path}/sendvia.yaml"])
        wait_for(lambda: connects(f"{self.path}/map", socket.AF_UNIX))

    def restart_service(self):
        self.service.terminate()
        self.service.wait()
        self.start_service()

    def connect(self, name):
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(f"{self.path}/{name}")
        return stream

    def rss(self):
        """Resident memory in octets."""
        text = open(f"/proc/{self.service.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.service.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.service.pid}/task"))

    def cpu(self):
        fields = open(f"/proc/{self.service.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        for process in (self.service, self.sandbox):
            if process:
                process.terminate()
                process.wait()
        shutil.rmtree(self.path)


def connects(address, family):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def wait_for(done, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            sys.exit("service.py: waited in vain")
        time.sleep(0.02)


def told(name, value, aim=""):
    print(f"  {name:<44} {value:>16}  {aim}", flush=True)


def mib(octets):
    return f"{octets / 1048576:.1f} MiB"


def questions(binary, short):
    accounts, count = (5000, 5000) if short else (100_000, 100_000)
    site = Site(binary, accounts)
    client = f"{os.path.dirname(binary)}/examples/questions"

    def ask(label, socket, protocol, different):
        cpu = site.cpu()
        asked = [client, socket, protocol, str(accounts), str(different), str(count)]
        a_second, median, late = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
        told(f"{protocol}, {label}", f"{int(a_second):,}/s", "aim 20,000/s on one connection")
        told("  p50, p99", f"{median}, {late} ms", "aim p99 under 1 ms")
        if socket != "echo":
            told("  CPU a question", f"{(site.cpu() - cpu) / count * 1e6:.1f} us")

    for protocol in ("policy", "map"):
        ask("nothing looked up: what this client can ask", "echo", protocol, 200)
        for turn in ("first", "second"):
            ask(f"{accounts} accounts in turn, the {turn} time", f"{site.path}/{protocol}", protocol, accounts)
        ask("200 accounts in turn", f"{site.path}/{protocol}", protocol, 200)
        told(f"memory, with {accounts} accounts read", mib(site.rss()))
        # Each protocol begins with accounts that nobody has read.
        site.restart_service()
    site.close()


def idle(binary, short):
    count = 200 if short else 1000
    site = Site(binary, 1)
    for name, hello in (("lmtp", b"LHLO mx.example\r\n"), ("policy", b"protocol_state=RCPT\n\n"), ("map", b"11:transport x,")):
        before, descriptors = site.rss(), site.descriptors()
        streams = []
        for _ in range(count):
            stream = site.connect(name)
            stream.sendall(hello)
            stream.recv(4096)
            streams.append(stream)
        told(f"{count} idle {name} connections", mib(site.rss() - before), "aim 1,000 under 20 MiB")
        for stream in streams:
            stream.close()
        wait_for(lambda: site.descriptors() <= descriptors)
    site.close()


class Client(threading.Thread):
    """Delivers messages of these accounts over one LMTP connection, as an MTA keeps it."""

    def __init__(self, site, numbers):
        super().__init__()
        self.site, self.numbers, self.replies = site, numbers, {}

    def run(self):
        stream = self.site.connect("lmtp")
        file = stream.makefile("rb")
        file.readline()
        stream.sendall(b"LHLO mx.example\r\n")
        while file.readline()[3:4] == b"-":
            pass
        for place, number in enumerate(self.numbers):
            sender = f"c{number}@{DOMAIN}"
            text = MESSAGE % (f"{id(self)}.{place}", sender)
            head = f"XFORWARD IDENT=Q{id(self):x}{place}\r\nMAIL FROM:<{sender}>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n"
            stream.sendall(head.encode())
            for _ in range(4):
                file.readline()
            stream.sendall(text.encode() + b".\r\n")
            code = file.readline()[:9].decode()
            self.replies[code] = self.replies.get(code, 0) + 1


def deliver(site, accounts, count, clients):
    """So many messages; how often each reply came."""
    shares = [[(place * clients + client) % accounts for place in range(count // clients)] for client in range(clients)]
    threads = [Client(site, share) for share in shares]
    for thread in threads:
        thread.start()
    replies = {}
    for thread in threads:
        thread.join()
        for code, number in thread.replies.items():
            replies[code] = replies.get(code, 0) + number
    return replies


def warm(binary, short):
    count = 50 if short else 500
    site = Site(binary, count, f"sessions: {{provider: {count}, all: {count}, idle: 10m}}\n", provider=True)
    before = site.rss()
    replies = deliver(site, count, count, 10)
    told(f"memory with {count} warm sessions", mib(site.rss()), "aim 500 under 64 MiB")
    told("  of that before the first", mib(before))
    told("  descriptors", site.descriptors())
    told("  replies", str(replies))
    site.close()


def transactions(binary, short):
    count, accounts = (2000, 10) if short else (100_000, 50)
    site = Site(binary, accounts, "sessions: {account: 20, messages: 1000000, age: 10h}\njournal: {mode: off}\n", provider=True)
    deliver(site, accounts, count // 10, 10)
    before = site.rss(), site.descriptors(), site.threads()
    cpu, began = site.cpu(), time.perf_counter()
    replies = deliver(site, accounts, count, 10)
    took = time.perf_counter() - began
    told(f"{count} transactions, 10 at once", f"{count / took:,.0f}/s")
    told("  CPU a message", f"{(site.cpu() - cpu) / count * 1e3:.2f} ms", "aim 0.5 ms")
    told("  memory before, after", f"{mib(before[0])}, {mib(site.rss())}", "no growth")
    told("  descriptors before, after", f"{before[1]}, {site.descriptors()}", "no growth")
    told("  threads before, after", f"{before[2]}, {site.threads()}", "no growth")
    told("  replies", str(replies))
    site.close()


PARTS = {"questions": questions, "idle": idle, "warm": warm, "transactions": transactions}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/sendvia")
    parser.add_argument("--short", action="store_true", help="to see that it runs; its figures say little")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART")
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        print(part, flush=True)
        PARTS[part](os.path.abspath(arguments.binary), arguments.short)


if __name__ == "__main__":
    main()
