"""`tests/bench/run postfix`: sendvia behind a private Postfix, beside Postfix's own submission and what people build today.

2,000 messages of 4 KiB from 50 senders wait in the hold queue; the clock runs from their release to the last `status=sent`, 20
deliveries at once. The contenders take turns, each with a Postfix of its own that differs in the transport alone; the provider
is `sendvia sandbox` for all of them. Needs root. MESSAGES, SENDERS, SLOTS, ROUNDS, DELAYS and CONTENDERS may be set.
"""

import base64
import json
import os
import pwd
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ["WORK"])
SENDVIA = os.environ["SENDVIA"]
MESSAGES = int(os.environ.get("MESSAGES", "2000"))
SENDERS = int(os.environ.get("SENDERS", "50"))
SLOTS = int(os.environ.get("SLOTS", "20"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
DELAYS = [float(delay) for delay in os.environ.get("DELAYS", "0,40").split(",")]
OCTETS, PASSWORD, PATIENCE = 4 << 10, "geheim", int(os.environ.get("PATIENCE", "300"))
TICK = os.sysconf("SC_CLK_TCK")
SERVICES = """pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
tlsproxy unix - - n - 0 tlsproxy
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd -o max_use=1000000
"""


def say(text=""):
    print(text, flush=True)


def sender(number):
    return f"s{number % SENDERS}@gmx.de"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cpu_of(pid, waited=False):
    """User and system time of a process, and of the children it has waited for, in seconds."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11 : 15 if waited else 13]) / TICK


def wait_for_port(port):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
    sys.exit(f"nobody listens at {port}")


class Process:
    """A server that ends with the measurement; its lines are kept."""

    def __init__(self, command, ready=None):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self.lines, self.came = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()
        if ready:
            self.wait_for(ready, 60)

    def listen(self):
        for line in self.process.stdout:
            with self.came:
                self.lines.append((time.monotonic(), line.rstrip()))
                self.came.notify_all()

    def wait_for(self, wanted, patience):
        with self.came:
            if not self.came.wait_for(lambda: wanted([line for _, line in self.lines]), timeout=patience):
                sys.exit("no answer in time:\n" + "\n".join(line for _, line in self.lines[-20:]))

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Provider:
    """The sandbox, with a port for each kind of TLS, and the proxy that delays it."""

    def __init__(self, directory, delay):
        self.directory, self.delay, self.fronts = directory, delay, {}
        command = [SENDVIA, "sandbox", "--discard", "--until-stdin-closes"]
        command += ["--rule", "none", "--dir", str(directory / "sandbox"), "--ca-file", str(directory / "ca.pem")]
        for extension in ("pipelining", "chunking", "8bitmime"):
            command += ["--extension", extension]
        self.server = Process(command, lambda lines: "ready" in lines)
        listening = [line.split() for _, line in self.server.lines if line.startswith("listening: ")]
        self.ports = {tls: int(address.rsplit(":", 1)[1]) for _, tls, address in listening}

    def port(self, tls):
        """Where to connect to."""
        if not self.delay:
            return self.ports[tls]
        if tls not in self.fronts:
            command = [sys.executable, str(HERE / "proxy.py"), str(self.ports[tls]), str(self.delay / 2)]
            self.fronts[tls] = Process(command, lambda lines: bool(lines))
        return int(self.fronts[tls].lines[0][1])

    def counts(self):
        """Connections and logins so far."""
        words = [json.loads(line) for line in (self.directory / "sandbox/events.jsonl").read_text().splitlines()]
        kinds = [event["event"] for event in words]
        return kinds.count("connected"), kinds.count("login")

    def flights(self):
        return sum(int(line) for front in self.fronts.values() for _, line in front.lines[1:] if line.isdigit())

    def stop(self):
        for server in (*self.fronts.values(), self.server):
            server.stop()


class Postfix:
    def __init__(self, directory, main, master):
        self.directory, self.port = directory, free_port()
        for part in ("etc", "data", "queue/pid", "queue/private", "queue/public", "queue/maildrop"):
            (directory / part).mkdir(parents=True)
        for part in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "saved", "trace"):
            (directory / "queue" / part).mkdir()
        queue = directory / "queue"
        postdrop = int(subprocess.check_output(["getent", "group", "postdrop"], text=True).split(":")[2])
        for path in [directory / "data", *(path for path in queue.iterdir() if path.name != "pid")]:
            os.chown(path, pwd.getpwnam("postfix").pw_uid, postdrop if path.name in ("public", "maildrop") else -1)
            path.chmod({"public": 0o2710, "maildrop": 0o1730}.get(path.name, 0o700))
        (directory / "etc/main.cf").write_text(MAIN.format(directory=directory, slots=SLOTS) + main)
        (directory / "etc/master.cf").write_text(f"127.0.0.1:{self.port} inet n - n - - smtpd\n{SERVICES}{master}")
        command = ["/usr/lib/postfix/sbin/master", "-s", "-c", str(directory / "etc")]
        self.master = Process(command, lambda lines: any("daemon started" in line for line in lines))

    def command(self, *words):
        subprocess.run([words[0], "-c", str(self.directory / "etc"), *words[1:]], check=True, capture_output=True)

    def submit(self):
        body = "".join("x" * 75 + "\r\n" for _ in range(OCTETS // 77 - 3))
        work = [iter(range(first, MESSAGES, 4)) for first in range(4)]
        threads = [threading.Thread(target=self.session, args=(numbers, body)) for numbers in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        held = sum(len(files) for _, _, files in os.walk(self.directory / "queue/hold"))
        if held != MESSAGES:
            sys.exit(f"{held} of {MESSAGES} messages are in the queue")

    def session(self, numbers, body):
        stream = socket.create_connection(("127.0.0.1", self.port))
        replies = stream.makefile("rb")

        def expect(code):
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            if not line.startswith(code):
                sys.exit(f"Postfix said {line!r}")

        expect(b"220")
        stream.sendall(b"EHLO bench.example\r\n")
        expect(b"250")
        for number in numbers:
            whose = sender(number)
            stream.sendall(f"MAIL FROM:<{whose}>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n".encode())
            for code in (b"250", b"250", b"354"):
                expect(code)
            head = f"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{number}@client.example>\r\nFrom: {whose}\r\n"
            stream.sendall(f"{head}To: b@x.example\r\nSubject: Hello\r\n\r\n{body}.\r\n".encode())
            expect(b"250")
        stream.sendall(b"QUIT\r\n")
        stream.close()

    def release(self):
        """How long it took, how many were sent, and how often one was deferred."""
        self.command("postsuper", "-H", "ALL")
        began = time.monotonic()
        self.command("postqueue", "-f")
        end = began + PATIENCE
        while time.monotonic() < end:
            with self.master.came:
                if sum(" status=" in line for _, line in self.master.lines) >= MESSAGES:
                    break
                self.master.came.wait(1)
            time.sleep(0.05)
        times = [at for at, line in self.master.lines if "status=sent" in line]
        others = [line for _, line in self.master.lines if "status=deferred" in line or "status=bounced" in line]
        if others:
            print(others[0], file=sys.stderr)
        other = len(others)
        return (max(times) - began if times else 0.0), len(times), other

    def cpu(self):
        """Of the clients: the processes that deliver, and what pipe(8) has waited for."""
        total = 0.0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            name, parent = text.split("(", 1)[1].split(")", 1)[0], int(text.rsplit(") ", 1)[1].split()[1])
            if parent == self.master.process.pid and name in ("smtp", "lmtp", "tlsproxy", "scache", "pipe"):
                total += cpu_of(stat.parent.name, waited=True)
        return total

    def stop(self):
        self.master.stop()


MAIN = """compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
maillog_file = /dev/stdout
myhostname = mx.firm.example
mydestination =
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
smtp_host_lookup = native
lmtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_client_restrictions = static:HOLD
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
initial_destination_concurrency = {slots}
default_destination_concurrency_limit = {slots}
default_process_limit = 100
qmgr_message_active_limit = 20000
"""


def own(implicit, reuse):
    """Postfix's own submission, as it is built today."""

    def build(site):
        main = f"""relayhost = [localhost]:{site.provider.port('implicit' if implicit else 'starttls')}
smtp_sasl_auth_enable = yes
smtp_sender_dependent_authentication = yes
smtp_sasl_password_maps = texthash:{site.directory}/passwords
smtp_sasl_security_options = noanonymous
smtp_sasl_mechanism_filter = plain
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = nexthop
smtp_tls_CAfile = {site.directory}/ca.pem
smtp_tls_wrappermode = {"yes" if implicit else "no"}
"""
        if reuse:
            main += "smtp_tls_connection_reuse = yes\nsmtp_connection_cache_destinations = static:all\n"
        passwords = "".join(f"{sender(one)} {sender(one)}:{PASSWORD}\n" for one in range(SENDERS))
        (site.directory / "passwords").write_text(passwords)
        return main, ""

    return build


def by_lmtp(site):
    site.accounts(f"listen: {{lmtp: 'unix:{site.directory}/postfix/queue/sendvia/lmtp'}}\n")
    return "default_transport = lmtp:unix:sendvia/lmtp\n", ""


def by_pipe(site):
    site.accounts("")
    command = f"{SENDVIA} relay --config {site.directory}/sendvia.yaml --user=x --queue-id=${{queue_id}}"
    command += " -f ${sender} -- ${recipient}"
    return PIPE, f"sendvia unix - n n - {SLOTS} pipe\n  user=sendvia null_sender= flags=q\n  argv={command}\n"


def by_msmtp(site):
    account = "account {0}\nfrom {0}\nuser {0}\n"
    server = f"host localhost\nport {site.provider.port('implicit')}\nauth plain\npassword {PASSWORD}\n"
    server += f"tls on\ntls_starttls off\ntls_trust_file {site.directory}/ca.pem\n"
    rc = site.directory / "msmtprc"
    rc.write_text("".join(account.format(sender(one)) + server for one in range(SENDERS)))
    site.private(rc)
    command = f"/usr/bin/msmtp -C {rc} -f ${{sender}} -- ${{recipient}}"
    return PIPE, f"sendvia unix - n n - {SLOTS} pipe\n  user=sendvia null_sender= flags=q\n  argv={command}\n"


def by_sink(site):
    port = free_port()
    site.sink = Process(["/usr/sbin/smtp-sink", "-u", "postfix", "-L", f"127.0.0.1:{port}", "100"])
    wait_for_port(port)
    return f"default_transport = lmtp:inet:127.0.0.1:{port}\n", ""


PIPE = "default_transport = sendvia:\nsendvia_destination_recipient_limit = 1\n"
CONTENDERS = {
    "Postfix + sendvia, LMTP": by_lmtp,
    "Postfix's own, implicit TLS": own(True, False),
    "Postfix's own, STARTTLS": own(False, False),
    "Postfix's own, STARTTLS, smtp_tls_connection_reuse": own(False, True),
    "Postfix + pipe(8) + sendvia": by_pipe,
    "Postfix + pipe(8) + msmtp": by_msmtp,
    "into smtp-sink -L (ceiling)": by_sink,
}


class Site:
    """One contender's turn."""

    number = 0

    def __init__(self, build, delay):
        Site.number += 1
        self.directory = WORK / f"turn-{Site.number}"
        self.directory.mkdir()
        self.sink = self.service = None
        self.user = pwd.getpwnam("sendvia")
        self.provider = Provider(self.directory, delay)
        main, master = build(self)
        self.postfix = Postfix(self.directory / "postfix", main, master)
        if build is by_lmtp:
            self.serve()

    def private(self, path):
        os.chown(path, self.user.pw_uid, self.user.pw_gid)
        path.chmod(0o600)

    def accounts(self, more):
        (self.directory / "accounts.d").mkdir()
        server = f"submission: {{host: localhost, port: {self.provider.port('implicit')}, tls: implicit}}\n"
        for one in range(SENDERS):
            path = self.directory / f"accounts.d/{sender(one)}.yaml"
            path.write_text(f"{server}login: {sender(one)}\nsecret: {{plain: {PASSWORD}}}\n")
            self.private(path)
        (self.directory / "state").mkdir()
        os.chown(self.directory / "state", self.user.pw_uid, self.user.pw_gid)
        text = f"tls: {{ca_file: ca.pem}}\nstate: state\nlog: {{to: none}}\nauthorise: mta\n{more}"
        (self.directory / "sendvia.yaml").write_text(text)

    def serve(self):
        sockets = self.directory / "postfix/queue/sendvia"
        sockets.mkdir()
        os.chown(sockets, self.user.pw_uid, pwd.getpwnam("postfix").pw_gid)
        sockets.chmod(0o2750)
        command = ["setpriv", "--reuid", "sendvia", "--regid", "sendvia", "--clear-groups", "--"]
        command += [SENDVIA, "serve", "--config", str(self.directory / "sendvia.yaml")]
        self.service = Process(command)
        end = time.monotonic() + 60
        while not (sockets / "lmtp").exists():
            if time.monotonic() > end or self.service.process.poll() is not None:
                sys.exit("sendvia serve does not start: " + "\n".join(line for _, line in self.service.lines))
            time.sleep(0.02)

    def measure(self):
        self.postfix.submit()
        service = self.service.process.pid if self.service else 0
        before = cpu_of(service), self.postfix.cpu()
        took, sent, other = self.postfix.release()
        turn = {"rate": sent / took if took else 0.0, "sent": sent, "other": other}
        turn["service"] = (cpu_of(service) - before[0]) * 1000 / MESSAGES if service else None
        turn["client"] = (self.postfix.cpu() - before[1]) * 1000 / MESSAGES
        turn["connections"], turn["logins"] = self.provider.counts()
        for one in (self.service, self.postfix):
            if one:
                one.stop()
        if self.provider.fronts:
            time.sleep(1)
            turn["flights"] = self.provider.flights() / max(sent, 1)
        return turn

    def stop(self):
        for one in (self.sink, self.provider):
            if one:
                one.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def turn(build, delay):
    site = Site(build, delay)
    try:
        return site.measure()
    finally:
        site.stop()


def median(turns, key):
    values = [turn[key] for turn in turns if turn.get(key) is not None]
    return statistics.median(values) if values else None


def cell(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def table(results):
    say("| | messages/s | sendvia's by it | connections | logins | CPU ms a message: clients | service "
        "| flights a message | not sent at once |")
    say("|---|---|---|---|---|---|---|---|---|")
    ours = median(results.get("Postfix + sendvia, LMTP", []), "rate")
    for name, turns in results.items():
        rates = [turn["rate"] for turn in turns]
        rate = statistics.median(rates)
        row = [f"{rate:.0f} ({min(rates):.0f} to {max(rates):.0f})", cell(ours and rate and ours / rate, 2)]
        row += [cell(median(turns, key), digits) for key, digits in (("connections", 0), ("logins", 0), ("client", 2))]
        row += [cell(median(turns, "service"), 2), cell(median(turns, "flights"), 2)]
        missing = sum(MESSAGES - turn["sent"] + turn["other"] for turn in turns)
        say(f"| {name} | " + " | ".join(row) + f" | {missing} |")


def main():
    chosen = [name for name in CONTENDERS if re.search(os.environ.get("CONTENDERS", ""), name)]
    for delay in DELAYS:
        about = f"{MESSAGES} messages of 4 KiB from {SENDERS} senders, {SLOTS} at once"
        say(f"\n{about}, {delay:g} ms round trip, {ROUNDS} rounds:\n")
        results = {name: [] for name in chosen}
        for _ in range(ROUNDS):
            for name in chosen:
                results[name].append(turn(CONTENDERS[name], delay))
                print(f"{name}: {results[name][-1]}", file=sys.stderr, flush=True)
        table(results)


main()
