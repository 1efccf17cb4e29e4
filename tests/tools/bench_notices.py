"""Figures of notices: they become messages, are carried, stand at every node, and are read."""

import contextlib
import datetime
import json
import time

from bench_couriers import WINDOW, Backlog, answer_of, kannel
from bench_machine import HOST, Gateway, Node, name_of

REGIONS = ["HANOI", "NPC", "CPC", "SPC", "HCMC"]
KANNEL = "Kannel 1.4.5 bearerbox, spool store"
# Where one process answers the public; the first is a page, the others are data.
DOCUMENTS = ["/notices", "/notices.json", "/outages.geojson"]


class Notices:
    """The figures of notices, taken with what a `Bench` knows."""

    def __init__(self, bench):
        self.bench, self.options, self.figures = bench, bench.options, bench.figures

    def take(self):
        self.audience()
        self.courier()
        for engine, fresh in self.bench.engines().items():
            with contextlib.ExitStack() as stack:
                nodes = self.country(stack, fresh)
                self.stored(engine, *nodes)
                self.documents(engine, *nodes)

    def audience(self):
        """From a published notice to queued messages. What is asked is so much time for a million."""
        many = self.options.recipients
        for engine in self.bench.engines():
            name = self.bench.name()
            if engine == "sqlite":
                with self.bench.file(name) as url:
                    found = self.bench.client("audience", "--database", url, "--customers", many)
            else:
                found = self.bench.client("audience", "--database", self.bench.postgres.url(name), "--customers", many)
                self.bench.postgres.drop(f"{name}_{many}")
            self.figures.add(
                "audience", engine, [found["seconds"] * 1e6 / many], "s per million messages", required=("value", "<=", 10),
                messages=many, seconds=found["seconds"],
            )

    def courier(self):
        """Kannel and couriers in turn, each on a backlog of its own; parts a second as the same centre counts them."""
        many = min(self.options.recipients, 100_000)
        # Kannel's receipts take their time.
        patience = 60 + many // 100
        base, found = [], {}
        for _ in self.bench.rounds():
            base.append(kannel(self.bench, many, patience))
            for engine, fresh in self.bench.engines().items():
                with fresh(self.bench.name()) as url, Backlog(self.bench, url, many) as backlog:
                    found.setdefault(engine, []).append(backlog.carried(patience))
        of = lambda runs, key: [run[key] for run in runs]
        for engine, runs in found.items():
            more = {"messages": many, "window": WINDOW, "kannel_peak_mib": max(of(base, "peak_mib"))}
            self.figures.add(
                "courier", engine, of(runs, "rate"), "parts/s", KANNEL, of(base, "rate"), ("ratio", ">=", 1),
                well=all(of(runs + base, "well")), **more,
            )
            self.figures.add(
                "courier-with-receipts", engine, of(runs, "settled_rate"), "parts/s", KANNEL, of(base, "settled_rate"),
                ("ratio", ">=", 1), well=all(of(runs + base, "well")), **more,
            )
            self.figures.add("courier-memory", engine, [max(of(runs, "peak_mib"))], "MiB", required=("value", "<=", 64), messages=many)

    def country(self, stack, fresh):
        """Five nodes and their gateway, which knows all of them."""
        nodes = {}
        log = self.bench.folder / "country.log"
        for region in REGIONS:
            who = {"--node-id": name_of(region), "--node-region": region}
            nodes[region] = stack.enter_context(
                Node(self.bench.binary, stack.enter_context(fresh(self.bench.name())), log, who)
            )
        gateway = Gateway(self.bench.binary, nodes, stack.enter_context(fresh(self.bench.name())), log)
        return nodes, stack.enter_context(gateway)

    def stored(self, engine, nodes, gateway):
        """One notice after another, each for all five. When it was published and when each node had stored it is the gateway's
        record; a node says so once its transaction is durable, so that the way back is in the figure."""
        content = self.bench.folder / "national.json"
        text = lambda title: {"title": title, "body": "22 tỉnh phía Nam mất điện từ 14:19."}
        content.write_text(json.dumps({
            "phase": "first_notice", "urgency": "emergency", "audience": {"regions": REGIONS}, "channels": ["web", "sms"],
            "vi": text("Mất điện"), "en": text("Power cut"), "expires_at": in_hours(6),
        }))
        took = []
        for number in range(self.options.notices):
            write = ["write", "--incident", f"bench-{number}", "--file", content, "--as", "lan"]
            written = self.notice(gateway, *write)["id"]
            published = self.notice(gateway, "publish", written, "--as", "lan", "--yes")["revisions"][0]["published_at"]
            targets = self.landed(gateway, written)
            took.append(max(seconds_from(published, target["since"]) for target in targets) * 1000)
        took.sort()
        p99 = took[-(-len(took) * 99 // 100) - 1]
        self.figures.add(
            "stored-on-all-nodes", engine, [p99], "ms p99", required=("value", "<", 1000), p50=round(took[len(took) // 2], 2),
            notices=len(took), nodes=len(nodes),
        )

    def landed(self, gateway, notice):
        """Where it stands with the members, once all have it."""
        for _ in range(200):
            targets = self.notice(gateway, "progress", notice)["members"]["targets"]
            if len(targets) == len(REGIONS) and all(target["state"] == "landed" for target in targets):
                return targets
            time.sleep(0.05)
        raise RuntimeError(f"a notice does not land: {targets}")

    def notice(self, gateway, *words):
        return self.bench.said("notice", *words, "--at", gateway.address, "--json")

    def documents(self, engine, nodes, gateway):
        """What everybody asks for while a notice is out."""
        load = ["--seconds", self.options.seconds, "--warmup", self.options.warmup]
        for role, port in (("node", nodes["SPC"].http), ("gateway", gateway.http)):
            for path in DOCUMENTS:
                found = self.bench.client("documents", "--url", f"http://{HOST}:{port}{path}", *load)
                self.figures.add(
                    f"documents-{role}{path.replace('/', '-')}", engine, [found["rate"]], "requests/s",
                    required=("value", ">=", 5000), well=not found["errors"], latency_ms=found["latency_ms"],
                    octets=len(answer_of(port, path).encode()),
                )


def in_hours(hours):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).isoformat()


def seconds_from(begin, end):
    """Seconds between two instants in RFC 3339, whose fractions may have nine digits."""
    moment = lambda text: datetime.datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")
    return (moment(end) - moment(begin)).total_seconds()
