#!/usr/bin/env python3
"""What deploy/ says, for the checks that follow it.

    deployment.py compose MADE       cross-checks compose.yaml, the configuration files and what make-certificates.sh put into MADE
    deployment.py mounts MADE NAME   what compose.yaml mounts into service NAME, one `source<TAB>target` a line
    deployment.py image KEY          of the Dockerfile's last stage: entrypoint, cmd, user, workdir, healthcheck; one word a line
"""

import json
import pathlib
import re
import sys
from urllib.parse import parse_qs, urlsplit

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"


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
    expect(len(ours) == 6, f"five nodes and a gateway, not {sorted(ours)}")

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
        expect(not re.search(r"[0-9a-f]{64}|PASSWORD: ", json.dumps(service)), f"{name} holds a secret in the compose file")

    databases = (DEPLOY / "postgres/databases.sh").read_text()
    nodes = {}
    for name, service in ours.items():
        expect(service.get("read_only") is True, f"{name}: its tree is writable")
        expect(service.get("cap_drop") == ["ALL"], f"{name} keeps capabilities")
        expect("no-new-privileges:true" in service.get("security_opt", []), f"{name} may gain privileges")
        files = mounts(compose, name, made)
        command = service.get("command", image()["cmd"])
        expect(command[1:2] == ["--config"] and command[2] in files, f"{name}: {command} reads a file that is not mounted")
        config = load(files[command[2]])
        role = command[0]
        expect(role in config, f"{name} runs as {role} with the configuration of something else")
        if role == "node":
            nodes[name] = config

        paths = [*config["tls"].values(), *config.get("client_tls", {}).values()]
        paths += [value[1:] for value in config.get("keys", {}).values() if value.startswith("@")]
        url = urlsplit(config["database"]["url"])
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        paths += [query.get(key) for key in ("sslrootcert", "sslcert", "sslkey")]
        for path in paths:
            expect(path in files, f"{name}: the configuration names {path}, which is not mounted")
        expect(set(files) - {command[2]} == set(paths), f"{name}: mounted but unused: {set(files) - {command[2]} - set(paths)}")
        expect(url.hostname in services and url.password is None, f"{name}: {url.hostname} or a password in the database URL")
        expect(query.get("sslmode") == "verify-full", f"{name} does not check its database's certificate")
        expect(url.username == name and url.path == f"/{name}", f"{name}: the database URL has another's role or database")
        expect(re.search(rf"\b{name}\b", databases), f"{name}: databases.sh does not create its database")
        expect(urlsplit(config["bus"]["redis_url"]).hostname in services, f"{name}: Redis is no service")

        healthcheck = service.get("healthcheck", {}).get("test", ["CMD", *image()["healthcheck"]])
        expect(port(healthcheck[-1]) == port(config["listen"]["http"]), f"{name}: the health check asks another port")
        for published in service.get("ports", []):
            expect(port(published) in map(port, config["listen"].values()), f"{name}: {published} leads nowhere")

    members = load(DEPLOY / "config/gateway.yaml")["members"]
    expect(len(members) == len(nodes), "the gateway's members are not the nodes")
    for member in members:
        endpoint = urlsplit(member["endpoint"])
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


def main():
    match sys.argv[1:]:
        case ["compose", made]:
            wrong = check_compose(pathlib.Path(made))
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
