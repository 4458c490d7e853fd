"""The measurements of tests/bench/accounts, which gives what they need by environment variables."""

import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

WORK, SENDVIA = Path(os.environ["WORK"]), os.environ["SENDVIA"]
ACCOUNTS, RUNS = int(os.environ["ACCOUNTS"]), int(os.environ["RUNS"])
IMPORTED = min(10_000, ACCOUNTS)


def address(number):
    return f"customer-{number}@gmx.de"


def configure(name, accounts):
    path = WORK / f"{name}.yaml"
    path.write_text(f"accounts: {accounts}\nkey: {{file: key}}\nstate: state\nlog: {{to: none}}\n")
    return path


def run(*words, config):
    done = subprocess.run([SENDVIA, *words, "--config", str(config)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{words}: status {done.returncode}: {done.stderr[:500]}")


def timed(work):
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def process(words):
    """A process from its start to its end: milliseconds by the clock, and of processor time."""
    begin = time.perf_counter()
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(words[0], words, os.environ, file_actions=nowhere)
    _, status, used = os.wait4(child, 0)
    took = time.perf_counter() - begin
    if status:
        sys.exit(f"{words}: status {status}")
    return took * 1000, (used.ru_utime + used.ru_stime) * 1000


def spread(values):
    values = sorted(values)
    return f"{statistics.median(values):.2f} | {values[int(len(values) * 0.95)]:.2f}"


def main():
    directory, database = configure("directory", "accounts.d"), configure("database", "sqlite:accounts.sqlite")
    (WORK / "accounts.d").mkdir(mode=0o700)
    run("key", "new", config=directory)
    table = WORK / "accounts.csv"
    for count in sorted({IMPORTED, ACCOUNTS}):
        with table.open("w") as file:
            file.write("address,password,users\n")
            file.writelines(f"{address(number)},password-{number},login-{number}\n" for number in range(count))
        if count == IMPORTED:
            print(f"| import csv, {count} rows | s |\n|---|---|")
            for name, config in [("directory", directory), ("sqlite", database)]:
                took = timed(lambda: run("import", "csv", "--yes", str(table), config=config))
                print(f"| {name} | {took:.1f} |", flush=True)
        else:
            for config in [directory, database]:
                run("import", "csv", "--yes", "--force", str(table), config=config)
    numbers = [random.randrange(ACCOUNTS) for _ in range(RUNS)]
    kinds = {
        "no look-up": lambda number: [SENDVIA, "--version"],
        "directory": lambda number: [SENDVIA, "lookup", address(number), "--json", "--config", str(directory)],
        "sqlite": lambda number: [SENDVIA, "lookup", address(number), "--json", "--config", str(database)],
    }
    times = {kind: [] for kind in kinds}
    # In turns, so that whatever else the machine does hits all alike.
    for number in numbers:
        for kind, words in kinds.items():
            times[kind].append(process(words(number)))
    print(f"\n| look-up among {ACCOUNTS} accounts, fresh process | median, ms | 95 %, ms | processor, ms |\n|---|---|---|---|")
    for kind, values in times.items():
        clock, processor = zip(*values)
        print(f"| {kind} | {spread(clock)} | {statistics.median(processor):.2f} |")


main()
