"""The measurements of tests/bench/run, which builds what they need and gives it by environment variables.

Prints tables in Markdown. Every table is one run: the rivals take turns, so that whatever else the machine does hits all of
them alike.
"""

import os
import statistics
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ["WORK"])
SENDVIA, SESSION = os.environ["SENDVIA"], os.environ["SESSION"]
MEASURE, HELLO, NODELAY = os.environ["MEASURE"], os.environ["HELLO"], os.environ["NODELAY"]
RUNS = int(os.environ.get("RUNS", "20"))
SIZES = [("4 KiB", 4 << 10), ("100 KiB", 100 << 10), ("25 MiB", 25 << 20)]
PASSWORD = "geheim"


def say(text=""):
    print(text, flush=True)


class Server:
    """A sandbox with implicit TLS, or the proxy in front of one; ends with the measurement."""

    def __init__(self, command, ready):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = []
        while not self.said or not ready(self.said[-1]):
            line = self.process.stdout.readline()
            if not line:
                sys.exit(f"{command[0]} did not start")
            self.said.append(line.strip())
        self.lines, self.came = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            with self.came:
                self.lines.append(line.strip())
                self.came.notify_all()

    def await_line(self, number):
        with self.came:
            if not self.came.wait_for(lambda: len(self.lines) > number, timeout=30):
                sys.exit("the proxy does not say how many flights there were")

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


def sandbox(extensions):
    command = [SENDVIA, "sandbox", "--listen", "127.0.0.1:0", "--tls", "implicit", "--discard", "--until-stdin-closes"]
    command += ["--rule", "size=2000000000", "--dir", str(WORK / "sandbox"), "--ca-file", str(WORK / "ca.pem")]
    for extension in extensions:
        command += ["--extension", extension]
    server = Server(command, lambda line: line == "ready")
    server.port = int(server.said[0].rsplit(":", 1)[1])
    return server


def proxy(port, round_trip):
    server = Server([sys.executable, str(HERE / "proxy.py"), str(port), str(round_trip / 2)], str.isdigit)
    server.port = int(server.said[0])
    return server


def message(octets):
    head = "Date: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <1@client.example>\nFrom: anna@gmx.de\n"
    head += "To: b@x.example\nSubject: Hello\n\n"
    path = WORK / f"message-{octets}"
    line = "x" * 75 + "\n"
    path.write_text((head + line * (octets // len(line) + 1))[: octets - 1] + "\n")
    return path


def set_up(port):
    accounts = WORK / "accounts.d"
    accounts.mkdir(exist_ok=True)
    account = accounts / "anna@gmx.de.yaml"
    server = f"submission: {{host: localhost, port: {port}, tls: implicit}}\n"
    account.write_text(f"{server}login: anna@gmx.de\nsecret: {{plain: {PASSWORD}}}\nusers: [anna]\n")
    account.chmod(0o600)
    (WORK / "sendvia.yaml").write_text("tls: {{ca_file: ca.pem}}\nstate: state\nlog: {{to: none}}\n")
    msmtprc = WORK / "msmtprc"
    trust = f"tls on\ntls_starttls off\ntls_trust_file {WORK}/ca.pem\n"
    login = f"auth plain\nuser anna@gmx.de\npassword {PASSWORD}\n"
    msmtprc.write_text(f"account default\nhost localhost\nport {port}\nfrom anna@gmx.de\n{trust}{login}")
    msmtprc.chmod(0o600)


def sendvia():
    arguments = ["--config", str(WORK / "sendvia.yaml"), "--user", "anna", "-f", "anna@gmx.de", "--", "b@x.example"]
    return [SENDVIA, "relay", *arguments]


def msmtp(preload=False):
    command = ["msmtp", "-C", str(WORK / "msmtprc"), "--", "b@x.example"]
    return ["env", f"LD_PRELOAD={NODELAY}", *command] if preload else command


RIVALS = [("sendvia", sendvia), ("msmtp", msmtp), ("msmtp, TCP_NODELAY preloaded", lambda: msmtp(True))]


class Runs:
    def __init__(self):
        self.wall, self.cpu, self.memory = [], [], []

    def add(self, line):
        wall, cpu, memory, status = map(int, line.split())
        if status:
            sys.exit(f"a run ended with {status}")
        self.wall.append(wall / 1000)
        self.cpu.append(cpu / 1000)
        self.memory.append(memory / 1024)


def once(command, path):
    ended = subprocess.run([MEASURE, "1", str(path), *command], stdout=subprocess.PIPE, text=True, check=True)
    return ended.stdout


def compare(rivals, path, runs):
    results = {name: Runs() for name, _ in rivals}
    for number in range(runs + 1):
        for name, command in rivals:
            line = once(command(), path)
            # The first of each warms the caches.
            if number:
                results[name].add(line)
    return results


def spread(values, digits=1):
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{statistics.median(values):.{digits}f} ({quartiles[0]:.{digits}f} to {quartiles[2]:.{digits}f})"


def ratio(ours, theirs):
    return f"{statistics.median(ours) / statistics.median(theirs):.2f}"


def table(results):
    ours = next(iter(results.values()))
    for name, runs in results.items():
        cells = [spread(runs.wall), ratio(ours.wall, runs.wall), spread(runs.cpu), ratio(ours.cpu, runs.cpu)]
        say(f"| {name} | " + " | ".join(cells) + f" | {max(runs.memory):.1f} |")


def deliveries():
    for round_trip in (0, 40):
        server = sandbox(["pipelining", "chunking", "8bitmime"])
        front = proxy(server.port, round_trip) if round_trip else server
        set_up(front.port)
        for name, octets in SIZES:
            runs = max(RUNS // 4, 3) if octets > 1 << 20 else RUNS
            say(f"\n{name}, {round_trip} ms round trip, {runs} runs:\n")
            say("| | wall ms | ratio | CPU ms | ratio | peak MiB |")
            say("|---|---|---|---|---|---|")
            table(compare(RIVALS, message(octets), runs))
        if front is not server:
            front.stop()
        server.stop()


def flights():
    say("\nFlights of the client behind TCP's own handshake, a QUIT that nobody waits for among them, 4 KiB:\n")
    say("| the server offers | sendvia | msmtp |")
    say("|---|---|---|")
    for extensions in ([], ["pipelining"], ["pipelining", "chunking"]):
        server = sandbox(extensions)
        # Long enough that every flight's answer comes after all of the flight.
        front = proxy(server.port, 20)
        set_up(front.port)
        counts = []
        for command in (sendvia(), msmtp()):
            before = len(front.lines)
            once(command, message(4 << 10))
            front.await_line(before)
            counts.append(front.lines[-1])
        front.stop()
        server.stop()
        say(f"| {', '.join(extensions).upper() or 'neither'} | {counts[0]} | {counts[1]} |")


def session(port, count, octets):
    command = [SESSION, "localhost", str(port), str(WORK / "ca.pem"), str(count), str(octets)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) * 1000 for line in ended.stdout.split()]


def warm():
    count = int(os.environ.get("WARM", "1000"))
    say(f"\n{count} messages of 4 KiB over one warm session at 40 ms:\n")
    say("| by | ms a message |")
    say("|---|---|")
    for name, extensions in (("BDAT", ["pipelining", "chunking"]), ("DATA, PIPELINING", ["pipelining"]), ("DATA", [])):
        server = sandbox(extensions)
        front = proxy(server.port, 40)
        say(f"| {name} | {spread(session(front.port, count, 4 << 10))} |")
        front.stop()
        server.stop()


def throughput():
    server = sandbox(["pipelining", "chunking"])
    took = session(server.port, 3, 1 << 30)
    server.stop()
    say(f"\n1 GiB through one session at 0 ms: {1024 / (min(took) / 1000):.0f} MiB/s (the best of three)")


def start_up():
    set_up(9)
    refused = [SENDVIA, "relay", "--config", str(WORK / "sendvia.yaml"), "--user", "nobody", "-f", "x@y.example"]
    refused += ["--", "b@x.example"]
    say("\nStart-up: a message that is refused before any connection, beside an empty program of the same compiler:\n")
    say("| | wall ms | CPU ms | peak MiB |")
    say("|---|---|---|---|")
    path = message(4 << 10)
    results = {"sendvia relay, refusing": Runs(), "hello, world": Runs()}
    for _ in range(RUNS * 5):
        for name, command in (("sendvia relay, refusing", refused), ("hello, world", [HELLO])):
            wall, cpu, memory, _status = once(command, path).split()
            results[name].add(f"{wall} {cpu} {memory} 0")
    for name, runs in results.items():
        say(f"| {name} | {spread(runs.wall, 2)} | {spread(runs.cpu, 2)} | {max(runs.memory):.1f} |")


PARTS = {"deliveries": deliveries, "flights": flights, "warm": warm, "throughput": throughput, "start-up": start_up}

for part in sys.argv[1:] or PARTS:
    PARTS[part]()
