#!/usr/bin/env python3
"""What deploy/ says, for the checks that follow it.

    deployment.py compose MADE       cross-checks compose.yaml, the configuration files and what make-certificates.sh put into MADE
    deployment.py mounts MADE NAME   what compose.yaml mounts into service NAME, one `source<TAB>target` a line
    deployment.py words MADE NAME    what compose.yaml has service NAME run, its files where they lie on this machine, one word a line
    deployment.py alerts             cross-checks prometheus.yaml and alerts.yaml with compose.yaml and the source
    deployment.py image KEY          of the Dockerfile's last stage: entrypoint, cmd, user, workdir, healthcheck; one word a line
"""

import json
import pathlib
import re
import sys
from urllib.parse import parse_qs, urlsplit

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# By role: its services, all of which run the image.
ROLES = {"node": 5, "gateway": 1, "courier": 1, "smsc-sim": 1}


class Text(yaml.SafeLoader):
    """Dates stay text, as the program reads them."""


Text.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path):
    return yaml.load(path.read_text(), Text)


def image():
    """The Dockerfile's last stage. Only what it uses: exec forms, and nothing inherited."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    said = {}
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        word, rest = word.upper(), rest.strip()
        if word == "FROM":
            said = {"env": []}
        elif word in ("ENTRYPOINT", "CMD"):
            said[word.lower()] = json.loads(rest)
        elif word == "HEALTHCHECK":
            said["healthcheck"] = json.loads(rest[rest.index("CMD") + 3 :])
        elif word == "USER":
            said["user"] = [rest]
        elif word == "WORKDIR":
            said["workdir"] = [rest]
        elif word == "ENV":
            said["env"].append(rest)
    return said


def source(entry, made):
    # What make-certificates.sh makes lies in tls/ and keys/; the rest is in the repository.
    file = entry["file"]
    return (made if file.split("/")[0] in ("tls", "keys") else DEPLOY) / file


def mounts(compose, name, made):
    service = compose["services"][name]
    return {
        entry["target"]: source(compose[kind][entry["source"]], made)
        for kind in ("configs", "secrets")
        for entry in service.get(kind, [])
    }


def words(compose, name, made):
    service = compose["services"][name]
    said = [*service.get("entrypoint", image()["entrypoint"]), *service.get("command", image()["cmd"])]
    for target, file in mounts(compose, name, made).items():
        said = [word.replace(target, str(file)) for word in said]
    # Compose's own escape.
    return [word.replace("$$", "$") for word in said]


def port(address):
    return int(address.rsplit(":", 1)[1])


def check_compose(made):
    compose = load(DEPLOY / "compose.yaml")
    wrong = []

    def expect(condition, what):
        if not condition:
            wrong.append(what)

    services = compose["services"]
    ours = {name: each for name, each in services.items() if str(each.get("image", "")).startswith("gridcare")}
    command = {name: each.get("command", image()["cmd"]) for name, each in ours.items()}
    roles = [each[0] for each in command.values()]
    expect({role: roles.count(role) for role in roles} == ROLES, f"other services than {ROLES}: {sorted(ours)}")

    def reached(name, host):
        """Whether there is such a service, and the two share a network."""
        shared = set(services[name]["networks"]) & set(services.get(host, {}).get("networks", []))
        expect(shared, f"{name} cannot reach {host}")

    for kind in ("configs", "secrets"):
        used = {entry["source"] for service in services.values() for entry in service.get(kind, [])}
        declared = compose[kind]
        expect(used == set(declared), f"{kind}: used and declared differ in {sorted(used ^ set(declared))}")
        for name, entry in declared.items():
            expect(source(entry, made).is_file(), f"{kind}: {name} is {entry['file']}, which does not exist")

    for name, service in services.items():
        for condition in service.get("depends_on", {}):
            expect(condition in services, f"{name} depends on {condition}, which is no service")
        for network in service.get("networks", []):
            expect(network in compose["networks"], f"{name}: no network {network}")
        for published in service.get("ports", []):
            expect(published.startswith("127.0.0.1:"), f"{name} publishes {published} beyond this machine")
        expect(not re.search(r"[0-9a-f]{64}|PASSWORD: |--password", json.dumps(service)), f"{name} holds a secret in the compose file")

    databases = (DEPLOY / "postgres/databases.sh").read_text()
    nodes, couriers = {}, {}
    for name, service in ours.items():
        expect(service.get("read_only") is True, f"{name}: its tree is writable")
        expect(service.get("cap_drop") == ["ALL"], f"{name} keeps capabilities")
        expect("no-new-privileges:true" in service.get("security_opt", []), f"{name} may gain privileges")
        if command[name][0] == "smsc-sim":
            continue
        files = mounts(compose, name, made)
        role, _, file = command[name]
        expect(command[name][1] == "--config" and file in files, f"{name}: {command[name]} reads a file that is not mounted")
        config = load(files[file])
        expect(role in config, f"{name} runs as {role} with the configuration of something else")
        if role == "node":
            nodes[name] = config

        paths = [*config.get("tls", {}).values(), *config.get("client_tls", {}).values()]
        if role == "courier":
            paths += [centre["password_file"] for centre in config["sms"]["centres"]]
            couriers[name] = config
        else:
            paths += [value[1:] for value in config.get("keys", {}).values() if value.startswith("@")]
            url = urlsplit(config["database"]["url"])
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            paths += [query.get(key) for key in ("sslrootcert", "sslcert", "sslkey")]
            reached(name, url.hostname)
            expect(url.password is None, f"{name}: a password in the database URL")
            expect(query.get("sslmode") == "verify-full", f"{name} does not check its database's certificate")
            expect(url.username == name and url.path == f"/{name}", f"{name}: the database URL has another's role or database")
            expect(re.search(rf"\b{name}\b", databases), f"{name}: databases.sh does not create its database")
            reached(name, urlsplit(config["bus"]["redis_url"]).hostname)
        for path in paths:
            expect(path in files, f"{name}: the configuration names {path}, which is not mounted")
        expect(set(files) - {file} == set(paths), f"{name}: mounted but unused: {set(files) - {file} - set(paths)}")

        healthcheck = service.get("healthcheck", {}).get("test", ["CMD", *image()["healthcheck"]])
        expect(port(healthcheck[-1]) == port(config["listen"]["http"]), f"{name}: the health check asks another port")
        for published in service.get("ports", []):
            expect(port(published) in map(port, config["listen"].values()), f"{name}: {published} leads nowhere")

    for name, config in couriers.items():
        node = urlsplit(config["node"]["endpoint"])
        reached(name, node.hostname)
        expect(node.hostname in nodes and node.port == port(nodes[node.hostname]["listen"]["grpc"]), f"{name}: its node is no node")
        for centre in config["sms"]["centres"]:
            host = centre["address"].rsplit(":", 1)[0]
            reached(name, host)
            said = words(compose, host, made)
            expect(port(said[said.index("--listen") + 1]) == port(centre["address"]), f"{name}: {host} listens at another port")
            expect(said[said.index("--system-id") + 1] == centre["session"]["system_id"], f"{name}: {host} has another account")
            password = str(mounts(compose, name, made)[centre["password_file"]])
            expect(any(password in word for word in said), f"{name}: {host} has another password")

    members = load(DEPLOY / "config/gateway.yaml")["members"]
    expect(len(members) == len(nodes), "the gateway's members are not the nodes")
    for member in members:
        endpoint = urlsplit(member["endpoint"])
        reached("gateway", endpoint.hostname)
        node = nodes.get(endpoint.hostname)
        if node is None:
            wrong.append(f"member {member['node']}: {endpoint.hostname} is no node")
            continue
        expect(endpoint.scheme == "https", f"member {member['node']} is dialled without TLS")
        expect(endpoint.port == port(node["listen"]["grpc"]), f"member {member['node']}: another port than its node's")
        expect(
            (member["node"], member["region"]) == (node["node"]["id"], node["node"]["region"]),
            f"member {member['node']}/{member['region']} is configured as {node['node']['id']}/{node['node']['region']}",
        )
    keys = [node["keys"]["unique_id"] for node in nodes.values()]
    expect(len(set(keys)) == 1, "the nodes' unique counts would not merge: unique_id differs")
    for name, node in nodes.items():
        expect(any(c["channel"] == "hotline" for c in node["capabilities"]), f"{name}: every corporation has a hotline")
    return wrong


def check_alerts():
    compose = load(DEPLOY / "compose.yaml")
    wrong, scraped = [], {}
    for job in load(DEPLOY / "prometheus.yaml")["scrape_configs"]:
        for entry in job["static_configs"]:
            for target in entry["targets"]:
                scraped[target] = job["job_name"]
    expected = {}
    for name, service in compose["services"].items():
        role = service.get("command", image()["cmd"])[0]
        if role in ROLES and service.get("configs"):
            config = load(DEPLOY / compose["configs"][service["configs"][0]["source"]]["file"])
            expected[f"{name}:{port(config['listen']['http'])}"] = f"gridcare-{role}"
    if scraped != expected:
        wrong.append(f"scraped is {scraped}, and to be scraped {expected}")

    rules = [rule for group in load(DEPLOY / "alerts.yaml")["groups"] for rule in group["rules"]]
    asked = "\n".join(rule["expr"] for rule in rules)
    jobs = set(re.findall(r'job="([^"]+)"', asked))
    if jobs != set(scraped.values()):
        wrong.append(f"alerts are about {sorted(jobs)}, and scraped are {sorted(set(scraped.values()))}")
    source = "".join(path.read_text() for path in (ROOT / "services").glob("*/src/**/*.rs"))
    for figure in sorted(set(re.findall(r"\b(?:gridcare|process)_\w+", asked))):
        if f'"{figure}"' not in source:
            wrong.append(f"no process has a figure {figure}")
    return wrong


def main():
    match sys.argv[1:]:
        case ["compose", made]:
            wrong = check_compose(pathlib.Path(made))
            sys.exit("\n".join(wrong) if wrong else 0)
        case ["words", made, name]:
            print("\n".join(words(load(DEPLOY / "compose.yaml"), name, pathlib.Path(made))))
        case ["alerts"]:
            wrong = check_alerts()
            sys.exit("\n".join(wrong) if wrong else 0)
        case ["mounts", made, name]:
            compose = load(DEPLOY / "compose.yaml")
            for target, file in mounts(compose, name, pathlib.Path(made)).items():
                print(f"{file}\t{target}")
        case ["image", key]:
            print("\n".join(image().get(key, [])))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
