"""The machine under a benchmark, and the processes that it measures."""

import contextlib
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import time

HOST = "127.0.0.1"
# Long enough for a node that recovers or migrates; a bench that needs longer has failed.
PATIENCE = 30


def text_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def machine(folder):
    """What whoever compares two runs must know."""
    model = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    total = next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cpu": model[0] if model else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{int(total) / 1024 / 1024:.1f} GiB",
        "kernel": os.uname().release,
        "rustc": text_of("rustc", "--version"),
        "file_system": text_of("stat", "--file-system", "--format", "%T", str(folder)),
        "fdatasync_us": fdatasync_us(folder),
    }


def fdatasync_us(folder):
    """Microseconds of one sync of a page, the median of 200: the price of a commit, and whether syncs happen at all."""
    path = pathlib.Path(folder, "sync")
    took = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"\0" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    path.unlink()
    return round(statistics.median(took) * 1e6, 1)


def free_port():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return taken.getsockname()[1]


def status_kib(pid, key):
    """A line of /proc/PID/status, such as VmRSS; None once the process is gone."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(key + ":")), None)


def ready(port):
    """Whether the process behind that HTTP port says so now."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
            return stream.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


class Served:
    """A process of the product with two ports, from its start until the end of a `with`."""

    def __init__(self, binary, role, database, log, more):
        self.role = role
        self.grpc, self.http = free_port(), free_port()
        self.address = f"http://{HOST}:{self.grpc}"
        self.log = pathlib.Path(log)
        arguments = {
            "--listen-grpc": f"{HOST}:{self.grpc}",
            "--listen-http": f"{HOST}:{self.http}",
            "--database-url": database,
            "--telemetry-log": "json",
            "--telemetry-filter": "warn",
        }
        self.command = [str(binary), role, *(word for pair in (arguments | more).items() for word in pair)]

    def __enter__(self):
        with open(self.log, "ab") as log:
            began = time.perf_counter()
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            while not ready(self.http):
                if self.process.poll() is not None or time.perf_counter() - began > PATIENCE:
                    self.__exit__()
                    raise RuntimeError(f"the {self.role} did not become ready:\n{self.log.read_text()[-4000:]}")
                time.sleep(0.002)
            # From before the fork until the first good answer.
            self.start_ms = (time.perf_counter() - began) * 1000
        return self

    def __exit__(self, *_):
        stop(self.process)

    def resident_mib(self):
        return status_kib(self.process.pid, "VmRSS") / 1024


class Node(Served):
    """A node, of Hồ Chí Minh City unless `more` says otherwise."""

    def __init__(self, binary, database, log, more=None):
        usual = {
            "--node-id": "bench-1",
            "--node-region": "HCMC",
            "--keys-pseudonym": "5e" * 32,
            "--keys-unique": "a1" * 32,
        }
        super().__init__(binary, "node", database, log, usual | (more or {}))


class Gateway(Served):
    """A gateway over nodes, by their regions."""

    def __init__(self, binary, nodes, database, log):
        seat = lambda region, node: f"{{node: {name_of(region)}, region: {region}, endpoint: '{node.address}', from: 2013-01-01}}"
        members = ", ".join(seat(region, node) for region, node in nodes.items())
        super().__init__(binary, "gateway", database, log, {"--gateway-id": "bench", "--members": f"[{members}]"})


def name_of(region):
    """What the node of a region is called."""
    return f"{region.lower()}-1"


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Postgres:
    """The private cluster."""

    def __init__(self, port, binaries):
        self.port, self.binaries = port, pathlib.Path(binaries)

    def url(self, database):
        return f"postgres://postgres@{HOST}:{self.port}/{database}"

    def run(self, sql, database="postgres"):
        psql = [self.binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", HOST, "-p", str(self.port)]
        return text_of(*map(str, psql), "-U", "postgres", "-d", database, "-c", sql)

    def durability(self):
        """The settings without which a commit is no commit; refuses to go on when one is off."""
        found = {name: self.run(f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")}
        if set(found.values()) != {"on"}:
            raise RuntimeError(f"Postgres is not durable: {found}")
        return found | {name: self.run(f"SHOW {name}") for name in ("wal_sync_method", "shared_buffers", "max_wal_size")}

    @contextlib.contextmanager
    def fresh(self, name):
        """The URL of a new database; its checkpoint is taken before the clock starts, so that all begin alike."""
        self.run(f"CREATE DATABASE {name}")
        self.run("CHECKPOINT")
        try:
            yield self.url(name)
        finally:
            self.drop(name)

    def drop(self, name):
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def pgbench(self, folder, seconds):
        """Single inserts of a row of 100 bytes with one index, each a commit, by 16 clients: commits per second."""
        script = pathlib.Path(folder, "insert.sql")
        # The key has 8 of the 100 bytes. It is random, as the keys of requests and tickets are.
        script.write_text(
            "\\set id random(1, 9000000000000000000)\n"
            f"INSERT INTO bare (id, filler) VALUES (:id, '{'x' * 92}');\n"
        )
        with self.fresh("bare"):
            self.run("CREATE TABLE bare (id BIGINT PRIMARY KEY, filler TEXT NOT NULL)", "bare")
            pgbench = [self.binaries / "pgbench", "-M", "prepared", "-c", 16, "-j", 2, "-T", seconds, "-n", "-f", script]
            said = text_of(*map(str, pgbench), "-h", HOST, "-p", str(self.port), "-U", "postgres", "bare")
        line = next(line for line in said.splitlines() if line.startswith("tps = "))
        return float(line.split()[2])
