#!/usr/bin/env python3
"""Takes the figures of ./tests/bench, which starts Postgres and knows the options."""

import argparse
import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

from bench_couriers import answer_of, sum_of
from bench_machine import Node, Postgres, machine, status_kib, stop, text_of
from bench_notices import Notices

NAMES = ["intake", "import", "customers", "tickets", "notices", "demo", "footprint"]
PGBENCH = "pgbench -M prepared -c 16 -j 2, single inserts"
BARE = "bare multi-row inserts, best batch size"


def say(text):
    print(text, file=sys.stderr, flush=True)


class Figures:
    """The figures so far, each with what is required of it."""

    def __init__(self):
        self.found = []

    def add(self, name, engine, values, unit, baseline=None, against=None, required=None, well=True, **more):
        """`values` and `against` are of one run each; `required` is a limit as (of, relation, limit)."""
        value = statistics.median(values)
        base = statistics.median(against) if against else None
        ratio = value / base if base else None
        met = None
        if required:
            of, relation, limit = required
            number = ratio if of == "ratio" else value
            met = well and {">=": number >= limit, "<=": number <= limit, "<": number < limit}[relation]
        self.found.append({
            "name": name,
            "engine": engine,
            "value": round(value, 2),
            "unit": unit,
            "baseline": baseline,
            "baseline_value": base and round(base, 2),
            "ratio": ratio and round(ratio, 3),
            "required": required and " ".join(map(str, required)),
            "met": met,
            "runs": [round(each, 2) for each in values],
            "baseline_runs": [round(each, 2) for each in against or []],
            **more,
        })
        say(f"   {name} on {engine}: {value:.2f} {unit}" + (f", {ratio:.3f} of {base:.2f}" if ratio else ""))

    def table(self):
        heads = ["name", "engine", "value", "unit", "baseline", "baseline value", "ratio", "required", "ok"]
        number = lambda value: "" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}"
        rows = [heads] + [[
            each["name"], each["engine"], number(each["value"]), each["unit"], (each["baseline"] or "").split(",")[0],
            number(each["baseline_value"]), "" if each["ratio"] is None else f"{each['ratio']:.3f}", each["required"] or "",
            {None: "", True: "yes", False: "NO"}[each["met"]],
        ] for each in self.found]
        widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
        right = {2, 5, 6}
        for row in rows:
            cells = [cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))]
            print("  ".join(cells).rstrip())


class Bench:
    def __init__(self, options):
        self.options = options
        self.binary, self.folder = options.binary, options.folder
        self.postgres = Postgres(options.postgres_port, options.postgres_binaries)
        self.figures = Figures()
        self.numbered = 0
        # The demo is run once and read by two: (seconds, peak in MiB, whether it said that all is well).
        self.demo_once = None

    def engines(self):
        """Each engine with a way to make fresh databases on it."""
        return {"postgres": self.postgres.fresh, "sqlite": self.file}

    def name(self):
        self.numbered += 1
        return f"bench_{self.numbered}"

    def file(self, name):
        return Folder(self.folder / name)

    def node(self, url):
        return Node(self.binary, url, self.folder / "node.log")

    def client(self, *words):
        """One run of `gridcare bench`, and what it found."""
        return self.said("bench", *words, "--json")

    def said(self, *words):
        """One run of a command of the product, and the JSON object that it printed."""
        command = [str(self.binary), *map(str, words)]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ended.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stderr}")
        return json.loads(ended.stdout)

    def rounds(self):
        for number in range(1, self.options.rounds + 1):
            say(f"   round {number} of {self.options.rounds}")
            yield number

    def intake(self):
        base, found = [], {}
        for _ in self.rounds():
            base.append(self.postgres.pgbench(self.folder, self.options.seconds))
            for engine, fresh in self.engines().items():
                with fresh(self.name()) as url, self.node(url) as node:
                    # The required one first, nearest to its baseline.
                    for callers in (256, 64, 1):
                        load = ["--callers", callers, "--seconds", self.options.seconds, "--warmup", self.options.warmup]
                        run = self.client("intake", "--address", node.address, *load)
                        found.setdefault((engine, callers), []).append(run)
        for (engine, callers), runs in found.items():
            limit = {"postgres": 0.8, "sqlite": 0.4}[engine]
            self.figures.add(
                "intake" if callers == 256 else f"intake-{callers}", engine, [run["rate"] for run in runs], "tickets/s",
                PGBENCH, base, ("ratio", ">=", limit) if callers == 256 else None,
                well=not any(run["errors"] for run in runs), callers=callers,
                latency_ms=median_of(runs, "latency_ms"), errors=[run["errors"] for run in runs if run["errors"]],
            )

    def importing(self):
        contacts = self.options.contacts
        base, alone, during = {}, {}, {}
        for _ in self.rounds():
            for engine, fresh in self.engines().items():
                base.setdefault(engine, []).append(self.bare(engine, contacts))
                for kept, more in ((alone, []), (during, ["--while-intake"])):
                    with fresh(self.name()) as url, self.node(url) as node:
                        run = self.client("import", "--address", node.address, "--contacts", contacts, *more)
                        kept.setdefault(engine, []).append(run)
        for engine, runs in alone.items():
            self.figures.add(
                "import", engine, [run["rate"] for run in runs], "contacts/s", BARE, base[engine], ("ratio", ">=", 0.5),
                batch=runs[0]["batch"],
            )
        for engine, runs in during.items():
            loads = [run["intake"] for run in runs]
            self.figures.add(
                "import-open-ticket-p99", engine, [load["latency_ms"]["p99"] for load in loads], "ms",
                required=("value", "<", 50), well=not any(load["errors"] for load in loads),
                calls=[load["answered"] for load in loads], latency_ms=median_of(loads, "latency_ms"),
                import_rate=statistics.median(run["rate"] for run in runs),
            )

    def tickets(self):
        """Reading, explaining, reporting, noticing and rebasing many tickets; once, since filling takes minutes."""
        many = self.options.tickets
        few = many // 10
        key = self.folder / "standards.key"
        text_of(str(self.binary), "keys", "generate", "--out", str(key))
        name, public = text_of(str(self.binary), "keys", "show", str(key)).split()
        trust = {"--standards-trusted-keys": json.dumps([{"id": name, "public": public}])}
        for engine, fresh in self.engines().items():
            with fresh(self.name()) as url, Node(self.binary, url, self.folder / "node.log", trust) as node:
                at = ["--address", node.address]
                self.client("fill", *at, "--tickets", few)
                self.settle(engine, url, node)
                small = self.client("pages", *at)
                filled = self.client("fill", *at, "--tickets", many)
                say(f"   {many} tickets on {engine}: {filled['rate']:.0f} a second")
                self.settle(engine, url, node)
                large = self.client("pages", *at)
                for way, took in large.items():
                    # An agent's own queue grows with the agent's tickets, which are ten times as many here.
                    limit = {"common-word": 100, "explain-clocks": 5, "my-queue-by-deadline": None}.get(way, 10)
                    self.figures.add(
                        way, engine, [took["p99"]], "ms p99", f"p50 over {few} tickets", [small[way]["p50"]],
                        limit and ("value", "<", limit), p50=took["p50"],
                    )
                    if limit == 10:
                        growth = took["p50"] / max(small[way]["p50"], 0.1)
                        self.figures.add(f"{way}-growth", engine, [growth], "x", required=("value", "<", 1.5))
                asked = self.client("reports", *at)
                self.figures.add(
                    "report-by-wire", engine, [max(step["max"] for step in asked.values())], "ms",
                    required=("value", "<", 200), latency_ms=asked,
                )
                noticed = self.client("breaches", *at)
                self.figures.add(
                    "breach-noticed", engine, [noticed["delay_ms"]["max"]], "ms", required=("value", "<", 1000),
                    breaches=noticed["tickets"], delay_ms=noticed["delay_ms"], tickets=many,
                )
                # Nine in ten go on.
                rebased = self.client("rebase", *at, "--key", key, "--open", many * 9 // 10, "--while-intake", 50)
                load = rebased["intake"]
                # What is asked is so much time for a million clocks.
                million = rebased["seconds"] * 1e6 / max(rebased["clocks"], 1)
                self.figures.add(
                    "rebase", engine, [million], "s per million open clocks", required=("value", "<", 60),
                    well=not load["errors"], seconds=rebased["seconds"], clocks=rebased["clocks"], tickets=many, calls=load["answered"], latency_ms=load["latency_ms"],
                )
            with fresh(self.name()) as url:
                drawn = self.report(url, many)
                for step in ("month", "total"):
                    self.figures.add(
                        f"report-{step}", engine, [drawn["report"][step]["max_ms"]], "ms", required=("value", "<", 200),
                        p50=drawn["report"][step]["p50_ms"],
                    )

    def customers(self):
        """An import of customers beside the bare rows of its three tables."""
        many = min(self.options.contacts, 200_000)
        base, found = {}, {}
        for _ in self.rounds():
            for engine, fresh in self.engines().items():
                bare = lambda url: self.client("customer-rows", "--database", url, "--customers", many)["rate"]
                name = self.name()
                if engine == "sqlite":
                    with self.file(name) as url:
                        base.setdefault(engine, []).append(bare(url))
                else:
                    base.setdefault(engine, []).append(bare(self.postgres.url(name)))
                    self.postgres.drop(f"{name}_5000")
                with fresh(self.name()) as url, self.node(url) as node:
                    run = self.client("customers", "--address", node.address, "--customers", many)
                    found.setdefault(engine, []).append(run["rate"])
        for engine, rates in found.items():
            self.figures.add(
                "customers", engine, rates, "customers/s", BARE, base[engine], ("ratio", ">=", 0.4), customers=many,
            )

    def settle(self, engine, url, node):
        """What a node does by itself within minutes of so many tickets: its tallies catch up, and autovacuum passes. Without it,
        few tickets would be measured after it, and many beside it."""
        counted = lambda: sum_of(answer_of(node.http, "/metrics"), "gridcare_tally_entries_total")
        before = -1
        while before != (before := counted()):
            # A report hurries the tallies, and waits for them two seconds at most.
            self.said("report", "show", "--at", node.address, "--from", "2013-05-22", "--until", "2013-05-23", "--json")
        if engine == "postgres":
            self.postgres.run("VACUUM ANALYZE", url.rsplit("/", 1)[-1])

    def report(self, url, tickets):
        """The year's report over tallies; this command knows no --json, since it prints nothing else."""
        return self.said("bench", "report", "--database", url, "--tickets", tickets)

    def bare(self, engine, contacts):
        name = self.name()
        rows = lambda url: self.client("rows", "--database", url, "--rows", contacts)
        if engine == "sqlite":
            with self.file(name) as url:
                return rows(url)["rate"]
        self.postgres.run("CHECKPOINT")
        found = rows(self.postgres.url(name))
        for batch in found["batches"]:
            self.postgres.drop(f"{name}_{batch['batch']}")
        return found["rate"]

    def demo(self):
        seconds, _, well = self.run_demo()
        self.figures.add("demo", "sqlite", [seconds], "s", required=("value", "<", 60), well=well)

    def run_demo(self):
        if self.demo_once is None:
            folder = self.folder / "demo"
            command = [str(self.binary), "demo", "--once", "--json", "--folder", str(folder)]
            with open(self.folder / "demo.json", "wb") as out, open(self.folder / "demo.log", "wb") as log:
                began = time.perf_counter()
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
                try:
                    # The high-water mark only grows: the last one seen is the peak.
                    peak = 0
                    while process.poll() is None:
                        peak = status_kib(process.pid, "VmHWM") or peak
                        time.sleep(0.01)
                    seconds = time.perf_counter() - began
                finally:
                    stop(process)
            well = process.returncode == 0
            if well:
                reach = json.loads((self.folder / "demo.json").read_text())["completeness"]
                well = reach["expected"] == reach["covered"]
            if not well:
                say(f"   the demo ended with {process.returncode}:\n{(self.folder / 'demo.log').read_text()[-4000:]}")
            shutil.rmtree(folder, ignore_errors=True)
            self.demo_once = seconds, peak / 1024, well
        return self.demo_once

    def footprint(self):
        for engine, fresh in self.engines().items():
            resident, started = [], []
            for number in range(5):
                # A fresh database every time: the start with all migrations is the slowest there is.
                with fresh(self.name()) as url, self.node(url) as node:
                    started.append(node.start_ms)
                    if number == 0:
                        time.sleep(5)
                        resident.append(node.resident_mib())
            self.figures.add("footprint-idle", engine, resident, "MiB", required=("value", "<", 40))
            self.figures.add("footprint-start", engine, started, "ms", required=("value", "<", 300))
        _, peak, well = self.run_demo()
        self.figures.add("footprint-demo-peak", "sqlite", [peak], "MiB", required=("value", "<", 400), well=well)


class Folder:
    """A folder with a SQLite file to be, for as long as it is needed."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.path.mkdir()
        return f"sqlite://{self.path}/bench.db"

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def median_of(runs, key):
    """The median of each number in `key` over the runs."""
    return {name: round(statistics.median(run[key][name] for run in runs), 3) for name in runs[0][key]}


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, type=pathlib.Path)
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--postgres-port", required=True, type=int)
    parser.add_argument("--postgres-binaries", required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-fail", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--contacts", type=int)
    parser.add_argument("--tickets", type=int)
    parser.add_argument("--recipients", type=int)
    parser.add_argument("--notices", type=int)
    parser.add_argument("names", nargs="*")
    found = parser.parse_intermixed_args()
    usual = (1, 2, 50_000, 20_000, 10_000, 10) if found.quick else (3, 10, 400_000, 1_000_000, 1_000_000, 200)
    for name, value in zip(("rounds", "seconds", "contacts", "tickets", "recipients", "notices"), usual):
        if getattr(found, name) is None:
            setattr(found, name, value)
    found.warmup = 1 if found.quick else 3
    return found


def main():
    # So that every `with` ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = options()
    bench = Bench(chosen)
    about = machine(chosen.folder)
    about["gridcare"] = text_of(str(chosen.binary), "--version")
    about["postgres"] = bench.postgres.run("SHOW server_version")
    about["durability"] = bench.postgres.durability() | {"sqlite": "WAL, synchronous=FULL, asserted by every node at its start"}
    say("\n".join(f"{key}: {value}" for key, value in about.items()))
    if about["file_system"] in ("tmpfs", "ramfs"):
        say("This folder is in memory: a sync costs nothing here, and commit rates mean little.")
    taken = {"intake": bench.intake, "import": bench.importing, "customers": bench.customers, "tickets": bench.tickets, "notices": Notices(bench).take, "demo": bench.demo, "footprint": bench.footprint}
    failed = False
    for name in [name for name in NAMES if not chosen.names or name in chosen.names]:
        say(f"== {name}")
        try:
            taken[name]()
        except (RuntimeError, subprocess.CalledProcessError, OSError, KeyError, TypeError, ValueError) as error:
            # The others are still worth taking.
            failed = True
            said = getattr(error, "stderr", None) or ""
            say(f"   {name} could not be taken: {error!r}\n{error}\n{said}")
    if chosen.json:
        print(json.dumps({"machine": about, "figures": bench.figures.found}, ensure_ascii=False))
    else:
        bench.figures.table()
    missed = [each for each in bench.figures.found if each["met"] is False]
    return 1 if failed or (missed and not chosen.no_fail) else 0


if __name__ == "__main__":
    sys.exit(main())
