"""A courier and Kannel, each with the same backlog before the same message centre: who carries it faster."""

import contextlib
import json
import pathlib
import re
import subprocess
import time
import urllib.request

from bench_machine import HOST, PATIENCE, Node, free_port, status_kib, stop

# Parts that wait for their answers at once, and receipts that the centre sends before it waits for answers.
WINDOW = 100
# One part, of the same characters for both.
TEXT = "22 tinh phia Nam mat dien tu 14:19. Su co duong day 500 kV. Du kien co dien lai truoc 16 gio."
SENDER = "EVNHCMC"
NOTICE = {
    "phase": "first_notice",
    "urgency": "safety",
    "audience": {"regions": ["HCMC"]},
    "channels": ["sms"],
    "vi": {"title": "Mat dien", "body": TEXT},
    "en": {"title": "Power cut", "body": TEXT},
}


def answer_of(port, path):
    """What an HTTP port of this machine says now; nothing while it does not."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=PATIENCE) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def until(what, holds, process, seconds):
    """Waits for something that a process does; fails when it ends before that, or does not do it in time."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s, or the process ended with {process.poll()}")
        time.sleep(0.1)
    return found


@contextlib.contextmanager
def running(command, log):
    """A process for as long as it is needed; its output goes to a file."""
    with open(log, "wb") as out:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        stop(process)


class Centre:
    """The product's sandbox centre: it takes everything at once and sends a receipt for each part half a second later."""

    def __init__(self, binary, folder, port):
        self.binary, self.folder, self.port = binary, folder, port
        self.found = None

    def __enter__(self):
        command = [self.binary, "smsc-sim", "--listen", f"{HOST}:{self.port}", "--window", WINDOW]
        with open(self.folder / "centre.json", "wb") as out, open(self.folder / "centre.log", "wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        return self

    def __exit__(self, *_):
        stop(self.process)
        said = (self.folder / "centre.json").read_text()
        self.found = json.loads(said) if said else {}

    def run(self, many):
        """What it took of so many messages: parts a second, also with the time until the last receipt."""
        found = self.found
        seconds = [max(found[key], 1) / 1000 for key in ("taking_ms", "settling_ms")]
        return {
            "rate": found["accepted"] / seconds[0],
            "settled_rate": found["receipts"] / seconds[1],
            "well": found["accepted"] == found["receipts"] == many and found["duplicates"] == 0,
        }


class Backlog:
    """A node that has turned a notice into so many queued messages."""

    def __init__(self, bench, url, many):
        self.bench, self.binary, self.folder, self.many = bench, bench.binary, bench.folder, many
        self.node = Node(bench.binary, url, bench.folder / "node.log")

    def __enter__(self):
        self.node.__enter__()
        try:
            self.bench.client("customers", "--address", self.node.address, "--customers", self.many)
            path = self.folder / "notice.yaml"
            path.write_text(json.dumps(NOTICE))
            write = ["write", "--incident", "bench", "--file", path, "--expires-in", "6h", "--as", "lan"]
            self.id = self.notice(*write)["id"]
            self.notice("submit", self.id, "--as", "lan")
            self.notice("approve", self.id, "--as", "minh")
            self.notice("publish", self.id, "--as", "lan", "--yes")
            until("messages are queued", lambda: self.standing().get("queued") == self.many, self.node.process, 600)
        except BaseException:
            self.node.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.node.__exit__()

    def notice(self, *words):
        return self.bench.said("notice", *words, "--at", self.node.address, "--json")

    def standing(self):
        """How many of its messages are in which state."""
        revisions = [one for node in self.notice("progress", self.id)["progress"] for one in node["revisions"]]
        return {count["state"]: count["deliveries"] for one in revisions for count in one["counts"]}

    def carried(self, patience):
        """A courier that is started on it, and what the centre took from it."""
        http = free_port()
        centre = Centre(self.binary, self.folder, free_port())
        session = f"{{system_id: bench, window: {WINDOW}, rate: 1000000}}"
        command = [
            self.binary, "courier", "--node-endpoint", self.node.address, "--listen-http", f"{HOST}:{http}",
            "--sms-sender", SENDER, "--telemetry-filter", "warn",
            "--sms-centres", f"[{{name: sim, address: '{HOST}:{centre.port}', session: {session}}}]",
        ]
        with centre, running(command, self.folder / "courier.log") as courier:
            done = lambda: sum_of(answer_of(http, "/metrics"), "gridcare_smpp_receipts_total") >= self.many
            until("every receipt came", done, courier, patience)
            delivered = lambda: self.standing().get("delivered") == self.many
            until("every message is delivered at the node", delivered, courier, 60)
            peak = status_kib(courier.pid, "VmHWM") / 1024
        return centre.run(self.many) | {"peak_mib": peak}


def sum_of(metrics, name):
    """The sum of a counter over its labels."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", metrics, re.MULTILINE))


CONFIGURATION = """\
group = core
admin-port = {admin}
admin-password = bench
admin-allow-ip = 127.0.0.1
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = 4
store-type = spool
store-location = "{folder}/spool"
dlr-storage = {receipts}

group = smsc
smsc = smpp
host = 127.0.0.1
port = {centre}
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
interface-version = 34
reconnect-delay = 1
max-pending-submits = {window}
source-addr-ton = 5
source-addr-npi = 0
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1

group = sms-service
keyword = default
catch-all = true
text = ""
"""


def kannel(bench, many, patience):
    """Kannel on a backlog of its own, and what the centre took from it.

    It is fed as fast as can be, and before the clock starts: `mtbatch`, Kannel's own batch client, gives all messages to
    bearerbox over the port of smsboxes, without HTTP, while there is no centre yet; bearerbox keeps each as a file of its spool.
    Then the centre comes up, as it does for a courier whose node has the messages queued. No box takes the receipts from
    bearerbox, which therefore keeps each as one more file, and is spared handing it on and removing it. Which receipts are
    awaited is kept in memory, Kannel's default: its store on disk for them makes it slower.
    """
    folder = pathlib.Path(bench.folder, "kannel")
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    admin, box = free_port(), free_port()
    centre = Centre(bench.binary, bench.folder, free_port())
    configuration = folder / "kannel.conf"
    configuration.write_text(CONFIGURATION.format(
        admin=admin, box=box, centre=centre.port, window=WINDOW, folder=folder, receipts="internal",
    ))
    (folder / "text").write_text(TEXT)
    (folder / "phones").write_text("".join(f"849{number:08}\n" for number in range(many)))
    counted = lambda pattern: int((re.search(pattern, answer_of(admin, "/status.txt?password=bench")) or [0, -1])[1])
    with running(["bearerbox", "-v", "4", configuration], folder / "bearerbox.out") as bearerbox:
        until("Kannel is up", lambda: counted(r"SMS: received (\d+)") >= 0, bearerbox, PATIENCE)
        # 1 + 2 + 16: delivered, failed for good, refused by the centre. Kannel wants an address for them, and asks none without a box.
        feed = ["mtbatch", "-v", "4", "-b", HOST, "-p", box, "-f", SENDER, "-D", 19, "-u", "http://127.0.0.1/"]
        with running([*feed, folder / "text", folder / "phones"], folder / "mtbatch.out"):
            until("Kannel has its backlog", lambda: counted(r"store size (\d+)") >= many, bearerbox, 600)
        with centre:
            until("Kannel had every receipt", lambda: counted(r"DLR: received (\d+)") >= many, bearerbox, patience)
        return centre.run(many) | {"peak_mib": status_kib(bearerbox.pid, "VmHWM") / 1024}
