"""The measurements of tests/bench/run, which builds what they need and gives it by environment variables.

Prints tables in Markdown. Every table is one run: the rivals take turns, so that whatever else the machine does hits all of
them alike.
"""

import itertools
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ["WORK"])
SENDVIA, SESSION = os.environ["SENDVIA"], os.environ["SESSION"]
MEASURE, HELLO, NODELAY = os.environ["MEASURE"], os.environ["HELLO"], os.environ["NODELAY"]
RUNS = int(os.environ.get("RUNS", "20"))
SIZES = [("4 KiB", 4 << 10), ("100 KiB", 100 << 10), ("25 MiB", 25 << 20)]
PASSWORD = "geheim"
# Where the commands that are measured run, and where the server does: in front of their command lines.
HERE_TOO = {"client": [], "server": [], "address": "127.0.0.1", "host": "localhost"}
place = HERE_TOO


def say(text="", end="\n"):
    print(text, end=end, flush=True)


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
        # Each of them ends at the end of its input, and tidies up before that.
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()


def sandbox(extensions):
    command = [*place["server"], SENDVIA, "sandbox", "--listen", f"{place['address']}:0", "--tls", "implicit", "--discard", "--until-stdin-closes"]
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


def has_real_lines():
    return os.geteuid() == 0 and Path("/dev/net/tun").exists()


class Delayed:
    """A sandbox behind a round trip of so many milliseconds: over a line of its own where that can be had, else behind the
    proxy. What is measured meanwhile runs at the line's near end."""

    def __init__(self, round_trip, extensions):
        global place
        self.others = []
        if has_real_lines():
            name = f"sendvia-bench-{os.getpid()}"
            self.others.append(Server([sys.executable, str(HERE / "line.py"), name, str(round_trip)], "ready".__eq__))
            inside = {end: ["nsenter", f"--net=/run/netns/{name}-{end}"] for end in ("client", "server")}
            place = {**inside, "address": "10.255.77.2", "host": "10.255.77.2"}
        self.server = sandbox(extensions)
        self.port = self.server.port
        if not self.others:
            self.others.append(proxy(self.port, round_trip))
            self.port = self.others[0].port

    def stop(self):
        global place
        self.server.stop()
        for other in self.others:
            other.stop()
        place = HERE_TOO


def how_delayed():
    return "a line of its own" if has_real_lines() else "a proxy: no root, or no /dev/net/tun"


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
    server = f"submission: {{host: {place['host']}, port: {port}, tls: implicit}}\n"
    account.write_text(f"{server}login: anna@gmx.de\nsecret: {{plain: {PASSWORD}}}\nusers: [anna]\n")
    account.chmod(0o600)
    (WORK / "sendvia.yaml").write_text("tls: {ca_file: ca.pem}\nstate: state\nlog: {to: none}\n")
    msmtprc = WORK / "msmtprc"
    trust = f"tls on\ntls_starttls off\ntls_trust_file {WORK}/ca.pem\n"
    login = f"auth plain\nuser anna@gmx.de\npassword {PASSWORD}\n"
    msmtprc.write_text(f"account default\nhost {place['host']}\nport {port}\nfrom anna@gmx.de\n{trust}{login}")
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
    command = [*place["client"], MEASURE, "1", str(path), *command]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
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


def more(these, those):
    return f"{statistics.median(these) - statistics.median(those):+.1f}"


def table(results):
    ours = next(iter(results.values()))
    for name, runs in results.items():
        cells = [spread(runs.wall), ratio(ours.wall, runs.wall), spread(runs.cpu), ratio(ours.cpu, runs.cpu)]
        say(f"| {name} | " + " | ".join(cells) + f" | {max(runs.memory):.1f} |")


def deliveries():
    for round_trip in (0, 40):
        extensions = ["pipelining", "chunking", "8bitmime"]
        server = Delayed(round_trip, extensions) if round_trip else sandbox(extensions)
        set_up(server.port)
        delay = f"{round_trip} ms round trip" + (f" ({how_delayed()})" if round_trip else "")
        for name, octets in SIZES:
            runs = max(RUNS // 4, 3) if octets > 1 << 20 else RUNS
            say(f"\n{name}, {delay}, {runs} runs:\n")
            say("| | wall ms | ratio | CPU ms | ratio | peak MiB |")
            say("|---|---|---|---|---|---|")
            table(compare(RIVALS, message(octets), runs))
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
    command = [*place["client"], SESSION, place["host"], str(port), str(WORK / "ca.pem"), str(count), str(octets)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [float(line) * 1000 for line in ended.stdout.split()]


def warm():
    count = int(os.environ.get("WARM", "1000"))
    say(f"\n{count} messages of 4 KiB over one warm session at 40 ms ({how_delayed()}):\n")
    say("| by | ms a message |")
    say("|---|---|")
    for name, extensions in (("BDAT", ["pipelining", "chunking"]), ("DATA, PIPELINING", ["pipelining"]), ("DATA", [])):
        server = Delayed(40, extensions)
        say(f"| {name} | {spread(session(server.port, count, 4 << 10))} |")
        server.stop()


def openssl_server():
    key, certificate = str(WORK / "openssl.key"), str(WORK / "openssl.pem")
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    request += ["-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
    subprocess.run(request, check=True, stderr=subprocess.DEVNULL)
    # What is said before the first connection goes to standard output too, and then all that comes in.
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-naccept", "3"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    while not (line := server.stdout.readline()).startswith(b"ACCEPT"):
        pass
    return server, int(line.rsplit(b":", 1)[1])


def openssl(octets):
    """Seconds that `openssl s_client` takes for so many octets of a file to a server that throws them away."""
    server, port = openssl_server()
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: server.stdout.read1(1 << 20), b"")])
    drain.start()
    with open(WORK / "gigabyte", "w+b") as file:
        for _ in range(octets >> 20):
            file.write((b"x" * 74 + b"\r\n") * ((1 << 20) // 76))
        took = []
        for _ in range(3):
            file.seek(0)
            began = time.monotonic()
            command = ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{port}"]
            subprocess.run(command, stdin=file, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            took.append(time.monotonic() - began)
        size = file.tell()
    server.stdin.close()
    server.wait()
    drain.join()
    (WORK / "gigabyte").unlink()
    return size / (1 << 20) / min(took)


def throughput():
    server = sandbox(["pipelining", "chunking"])
    ours = 1024 / (min(session(server.port, 3, 1 << 30)) / 1000)
    server.stop()
    theirs = openssl(1 << 30)
    say(f"\n1 GiB through one session at 0 ms, the best of three: {ours:.0f} MiB/s;", end=" ")
    say(f"`openssl s_client` to `openssl s_server`: {theirs:.0f} MiB/s; ratio {ours / theirs:.2f}")


def journal():
    server = sandbox(["pipelining", "chunking", "8bitmime"])
    set_up(server.port)
    base = (WORK / "sendvia.yaml").read_text()
    numbers = itertools.count()

    def mode(name):
        config = WORK / f"journal-{name}.yaml"
        config.write_text(base.replace("state: state", f"state: state-{name}") + f"journal: {name}\n")
        arguments = ["--config", str(config), "--user", "anna", "-f", "anna@gmx.de"]
        # Every delivery is another message's: one that is in the journal would not go out.
        return lambda: [SENDVIA, "relay", *arguments, "--queue-id", f"4ZQ{next(numbers)}", "--", "b@x.example"]

    kind = subprocess.run(["stat", "-f", "-c", "%T", str(WORK)], stdout=subprocess.PIPE, text=True, check=True)
    say(f"\nThe journal, 4 KiB, 0 ms round trip, {RUNS} runs, on {kind.stdout.strip()}:\n")
    say("| journal | wall ms | more than off | CPU ms | more than off | peak MiB |")
    say("|---|---|---|---|---|---|")
    results = compare([(name, mode(name)) for name in ("off", "normal", "durable")], message(4 << 10), RUNS)
    off = results["off"]
    for name, runs in results.items():
        cells = [spread(runs.wall), more(runs.wall, off.wall), spread(runs.cpu), more(runs.cpu, off.cpu)]
        say(f"| {name} | " + " | ".join(cells) + f" | {max(runs.memory):.1f} |")
    server.stop()


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


PARTS = {
    "deliveries": deliveries,
    "flights": flights,
    "warm": warm,
    "throughput": throughput,
    "start-up": start_up,
    "journal": journal,
}

for part in sys.argv[1:] or PARTS:
    PARTS[part]()
