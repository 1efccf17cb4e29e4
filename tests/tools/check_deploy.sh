#!/usr/bin/env bash
# The chart, the compose file, the certificates, and the image's own command under the conditions of a container.
# Prints a line per check; ends with 1 if one failed.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
. tests/tools/install.sh
. tests/tools/servers.sh
. tests/tools/container.sh
. tests/tools/courier.sh
python=${GRIDCARE_TEST_PYTHON:-$tools/python/bin/python}
helm=${GRIDCARE_TEST_HELM:-$tools/helm}
gridcare=${GRIDCARE_TEST_BINARY:-${CARGO_TARGET_DIR:-$root/target}/debug/gridcare}
chart=helm/gridcare
[ -x "$python" ] || { echo "the Python tools are missing; tests/run installs them" >&2; exit 1; }

work=$(mktemp -d /tmp/gridcare-deploy.XXXXXX)
chmod 0755 "$work"
made=$work/made
service=
# By pid, so that none of them outlives this script.
declare -A running=()
clean() {
  [ ${#running[@]} = 0 ] || kill -KILL "${!running[@]}" 2>/dev/null
  stop_servers
  chmod -R u+w "$work" 2>/dev/null
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bad=0
# check NAME COMMAND…: quiet unless it fails.
check() {
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    printf 'ok    %s\n' "$name"
  else
    printf 'FAIL  %s\n' "$name"
    sed 's/^/        /' "$work/out" | tail -n 30
    bad=1
  fi
}
skip() { printf 'skip  %s\n' "$*"; }
# refused PATTERN COMMAND…: fails, and for the reason meant.
refused() {
  local pattern=$1
  shift
  if "$@" >"$work/refusal" 2>&1; then
    echo "accepted, and should not be"
    return 1
  fi
  grep -qE "$pattern" "$work/refusal" || { echo "refused for another reason:"; cat "$work/refusal"; return 1; }
}

# --- the chart ---------------------------------------------------------------------------------------------------------

render() { "$helm" template release "$chart" --namespace gridcare --kube-version 1.33 "$@"; }
validate() {
  # An unknown kind fails too, so what Kubernetes does not know by itself (the ServiceMonitor) is rendered apart.
  render "$@" >"$work/manifests.yaml" && "$(dirname "$python")/kubernetes-validate" --strict "$work/manifests.yaml"
}
hardened() {
  "$python" - "$work/manifests.yaml" <<'PYTHON'
import sys, yaml
pods = []
for document in yaml.safe_load_all(open(sys.argv[1])):
    if document and document["kind"] in ("Deployment", "StatefulSet"):
        pods.append(document["spec"]["template"]["spec"])
    if document and document["kind"] == "Pod":
        pods.append(document["spec"])
assert len(pods) == 2, "a workload and its test"
for pod in pods:
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 65532, pod
    assert pod["automountServiceAccountToken"] is False, pod
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"], context
        assert context["capabilities"] == {"drop": ["ALL"]}, context
probes = pods[0]["containers"][0]
assert probes["livenessProbe"]["httpGet"]["path"] == "/livez", probes
assert probes["readinessProbe"]["httpGet"]["path"] == "/readyz", probes
PYTHON
}
# Two couriers of one release lease under two names, and have a port for probes alone.
uncalled() {
  render "${courier[@]}" >"$work/manifests.yaml" && "$python" - "$work/manifests.yaml" <<'PYTHON'
import sys, yaml
documents = [document for document in yaml.safe_load_all(open(sys.argv[1])) if document]
ports = [port["name"] for document in documents if document["kind"] == "Service" for port in document["spec"]["ports"]]
assert ports == ["http"], ports
container = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]
assert [port["name"] for port in container["ports"]] == ["http"], container["ports"]
names = {variable["name"]: variable["valueFrom"] for variable in container["env"]}
assert names == {"GRIDCARE_COURIER_NAME": {"fieldRef": {"fieldPath": "metadata.name"}}}, names
PYTHON
}
# As the program would read it: the file inside the rendered ConfigMap.
rendered_config() {
  "$python" -c 'import sys, yaml
print(next(d for d in yaml.safe_load_all(sys.stdin) if d and d["kind"] == "ConfigMap")["data"]["config.yaml"], end="")'
}

if [ -x "$helm" ]; then
  for values in node embedded gateway courier; do
    file=$chart/ci/$values-values.yaml
    check "chart, $values: helm lint" "$helm" lint "$chart" --strict --quiet --values "$file"
    check "chart, $values: renders, and every manifest is valid" validate --values "$file"
    check "chart, $values: pods are confined and probed" hardened
  done
  node=(--values "$chart/ci/node-values.yaml")
  embedded=(--values "$chart/ci/embedded-values.yaml")
  gateway=(--values "$chart/ci/gateway-values.yaml")
  courier=(--values "$chart/ci/courier-values.yaml")
  monitored() { render "${node[@]}" --set serviceMonitor.enabled=true | grep -q 'kind: ServiceMonitor'; }
  check "chart: a ServiceMonitor when asked for" monitored
  check "chart, courier: named after its pod, called by nobody" uncalled
  check "chart refuses: no values at all" refused "secret|node" render
  check "chart refuses: an unknown role" refused "role" render "${node[@]}" --set role=desk
  check "chart refuses: a misspelt value" refused "replica'? not allowed|replica" render "${node[@]}" --set replica=3
  check "chart refuses: a misspelt key of the configuration" refused "regoin" render "${node[@]}" --set config.node.regoin=HCMC
  check "chart refuses: two replicas on SQLite" refused "replicas" render "${embedded[@]}" --set replicas=2
  check "chart refuses: Postgres without its secret" refused "urlSecret" render "${node[@]}" --set database.urlSecret.name=
  check "chart refuses: no certificates" refused "secret" render "${node[@]}" --set tls.secret=
  check "chart refuses: a node without keys" refused "keys" render "${node[@]}" --set keys.secret=
  check "chart refuses: a gateway without members" refused "members" render "${gateway[@]}" --set config.members=null
  check "chart refuses: a member without TLS" refused "endpoint" render "${gateway[@]}" --set 'config.members[0].endpoint=http://x:7400'
  check "chart refuses: a courier with a database" refused "urlSecret" render "${courier[@]}" --set database.urlSecret.name=some
  check "chart refuses: a courier's name, which two would share" refused "courier' not allowed" render "${courier[@]}" --set config.courier.name=one
  check "chart refuses: a courier without TLS" refused "endpoint" render "${courier[@]}" --set config.node.endpoint=http://x:7400
  check "chart refuses: a courier that carries nothing" refused "sms" render --set role=courier,tls.secret=some,config.node.endpoint=https://x:7400
  check "chart refuses: a password without its secret" refused "keys.secret" render "${courier[@]}" --set keys.secret=
  check "chart refuses: a password in the configuration" refused "password" render "${courier[@]}" --set 'config.sms.centres[0].session.password=some'
  check "chart refuses: a listener in the configuration" refused "listen" render "${node[@]}" --set config.listen.grpc=0.0.0.0:1
  check "chart: helm package" "$helm" package "$chart" --destination "$work"
else
  skip "chart: there is no helm"
fi

# --- certificates and the compose file ---------------------------------------------------------------------------------

make_certificates() { deploy/make-certificates.sh --into "$made" "$@"; }
verified() {
  local certificate name text
  for certificate in "$made"/tls/*.pem; do
    name=$(basename "$certificate" .pem)
    [ "$name" != ca ] || continue
    openssl verify -CAfile "$made/tls/ca.pem" -purpose sslserver -verify_hostname "$name" "$certificate" || return 1
    openssl verify -CAfile "$made/tls/ca.pem" -purpose sslclient "$certificate" || return 1
    # The two belong together.
    cmp <(openssl x509 -in "$certificate" -noout -pubkey) <(openssl pkey -in "$made/tls/$name.key" -pubout) || return 1
    text=$(openssl x509 -in "$certificate" -noout -ext subjectAltName)
    case $name in
      node-*) grep -q "URI:spiffe://${name#node-}.gridcare.example/node/${name#node-}-1" <<<"$text" || return 1 ;;
      courier-*) grep -q "URI:spiffe://${name#courier-}.gridcare.example/courier/${name#courier-}-1" <<<"$text" || return 1 ;;
      gateway) grep -q "URI:spiffe://evn.gridcare.example/gateway/evn-1" <<<"$text" || return 1 ;;
    esac
  done
}
secret() {
  local open
  open=$(find "$made/tls" "$made/keys" -type f ! -name '*.pem' -perm /077)
  [ -z "$open" ] || { echo "readable to others: $open"; return 1; }
}
# A stranger's authority: the control that `verified` can fail.
stranger() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger -keyout "$work/stranger.key" \
    -out "$work/stranger.pem" 2>/dev/null
  refused "verification failed|unable to get|self-signed" openssl verify -CAfile "$work/stranger.pem" "$made/tls/gateway.pem"
}
check "certificates: made" make_certificates
check "certificates: refuse to replace older ones" refused "not empty" make_certificates
check "certificates: chains, names, purposes, identities and keys" verified
check "certificates: not those of a stranger" stranger
check "certificates: private keys are private" secret
check "compose: files, names, ports, networks, roles, members and couriers agree" "$python" tests/tools/deployment.py compose "$made"
if docker compose version >/dev/null 2>&1; then
  check "compose: the client reads it" docker compose --file deploy/compose.yaml config --quiet
else
  skip "compose: the client's own check, for want of the client"
fi
check "prometheus: every process is scraped, and alerts are about figures that there are" "$python" tests/tools/deployment.py alerts
if command -v promtool >/dev/null; then
  check "prometheus: configuration and rules" promtool check config deploy/prometheus.yaml
else
  skip "prometheus: promtool's check, for want of promtool"
fi
if command -v systemd-analyze >/dev/null; then
  # It wants the binary at its place, and complains of other units of the machine: only what it says of ours counts.
  units() { ! systemd-analyze verify deploy/systemd/*.service 2>&1 | grep -E 'gridcare' | grep -v 'is not executable'; }
  check "systemd: units" units
else
  skip "systemd: systemd-analyze's check, for want of it"
fi

# --- access to Postgres, by the files that compose mounts --------------------------------------------------------------

postgres_by_certificate() {
  local folder=$work/postgres
  mkdir -p "$folder"
  install -o postgres -m 0600 "$made/tls/postgres.key" "$work/server.key"
  start_postgres "$folder" "hba_file=$work/pg_hba.conf" ssl=on "ssl_cert_file=$made/tls/postgres.pem" \
    "ssl_key_file=$work/server.key" "ssl_ca_file=$made/tls/ca.pem" || return 1
  # By the socket, as the image's first start runs it.
  as_postgres env PATH="$(postgres_binaries):$PATH" PGHOST="$folder" PGPORT="$postgres_port" \
    bash -s <deploy/postgres/databases.sh
}
as_service() {
  local name=$1 role=$2 database=$3
  PGCONNECT_TIMEOUT=10 psql -XAtc 'SELECT 1' "postgres://$role@127.0.0.1:$postgres_port/$database?sslmode=verify-full&sslrootcert=$made/tls/ca.pem${name:+&sslcert=$made/tls/$name.pem&sslkey=$made/tls/$name.key}"
}
if [ "$(id -u)" = 0 ] && postgres_binaries >/dev/null; then
  chmod 0755 "$made"
  cp deploy/postgres/pg_hba.conf "$work/pg_hba.conf"
  check "postgres: starts with TLS and makes the databases" postgres_by_certificate
  check "postgres: a node by its certificate" as_service node-hcmc node-hcmc node-hcmc
  check "postgres refuses: a node as another" refused "certificate authentication failed" as_service node-hcmc node-spc node-spc
  check "postgres refuses: a node in another's database" refused "permission denied" as_service node-hcmc node-hcmc node-spc
  check "postgres refuses: nobody's certificate" refused "valid client certificate" as_service "" node-hcmc node-hcmc
  on_postgres=1
else
  skip "postgres by certificates: needs root, to be its user"
  on_postgres=
fi

# --- the image's own command --------------------------------------------------------------------------------------------

if [ ! -x "$gridcare" ]; then
  skip "the image's command: there is no $gridcare (cargo build)"
  exit $bad
fi
case $(containment) in
  mounts) echo "note  no image is built: its command runs as user $(image user) in a tree of read-only mounts" ;;
  modes) echo "note  no image is built: its command runs as this user in a copy without write permission" ;;
esac

mapfile -t entrypoint < <(image entrypoint)
mapfile -t default < <(image cmd)
mapfile -t healthcheck < <(image healthcheck)
grpc=$(free_port)
http=$(free_port)
redis=${GRIDCARE_TEST_REDIS:-}
if [ -z "$redis" ]; then
  start_redis "$work/redis" && redis=redis://127.0.0.1:$redis_port
fi

tree=
in_tree() { (enter_tree "$tree" "$gridcare" "$@"); }
# The file as mounted, validated whole by the program that reads it, which then prints it without secrets.
printed() {
  local name=$1 role=$2 secret
  tree=$work/$name
  make_tree "$tree" "$name"
  environment=()
  in_tree "${entrypoint[@]}" "$role" --config /etc/gridcare/config.yaml --print-config >"$work/printed" || return 1
  [ -s "$work/printed" ] || { echo "nothing was printed"; return 1; }
  for secret in "$made"/keys/*; do
    ! grep -qF "$(cat "$secret")" "$work/printed" || { echo "the secret $(basename "$secret") is printed"; return 1; }
  done
}
misspelt() {
  tree=$work/misspelt
  make_tree "$tree" node-hcmc
  chmod u+w "$tree/etc/gridcare" "$tree/etc/gridcare/config.yaml" 2>/dev/null
  echo "lisen: { grpc: 0.0.0.0:7400 }" >>"$tree/etc/gridcare/config.yaml"
  environment=()
  refused "lisen" in_tree "${entrypoint[@]}" node --config /etc/gridcare/config.yaml --print-config
}
for name in node-npc node-hanoi node-cpc node-hcmc node-spc gateway courier-hcmc; do
  check "configuration of $name: accepted, and printed without secrets" printed "$name" "${name%%-*}"
done
check "configuration: a misspelt key is refused by its name" misspelt

# What the chart renders goes through the same door.
rendered() {
  local values=$1 role=$2
  case $role in
    gateway) tree=$work/gateway ;;
    *) tree=$work/$role-hcmc ;;
  esac
  chmod u+w "$tree/etc/gridcare" 2>/dev/null
  render --values "$chart/ci/$values-values.yaml" | rendered_config >"$tree/etc/gridcare/rendered.yaml"
  # The file names of a Kubernetes secret; no service is started, so empty ones would do, but a program may look.
  mkdir -p "$tree"/etc/gridcare/{tls,client-tls} 2>/dev/null
  local folder
  for folder in tls client-tls; do
    cp -p "$tree/etc/gridcare/tls/ca.pem" "$tree/etc/gridcare/$folder/ca.crt"
    cp -p "$tree/etc/gridcare/tls/cert.pem" "$tree/etc/gridcare/$folder/tls.crt"
    cp -p "$tree/etc/gridcare/tls/key.pem" "$tree/etc/gridcare/$folder/tls.key"
  done
  environment=(GRIDCARE_BUS_REDIS_URL=redis://redis:6379)
  [ "$role" != courier ] || environment=(GRIDCARE_COURIER_NAME=release-gridcare-5f7c9-x2b4d)
  [ "$values" = embedded ] || [ "$role" = courier ] || environment+=(GRIDCARE_DATABASE_URL=postgres://someone:unprinted-password@postgres/some)
  in_tree "${entrypoint[@]}" "$role" --config /etc/gridcare/rendered.yaml --print-config >"$work/printed" || return 1
  [ -s "$work/printed" ] || { echo "nothing was printed"; return 1; }
  ! grep -q unprinted-password "$work/printed" || { echo "the database's password is printed"; return 1; }
}
if [ -x "$helm" ] && [ "$(containment)" = mounts ]; then
  check "chart, node: the program accepts the configuration" rendered node node
  check "chart, embedded: the program accepts the configuration" rendered embedded node
  check "chart, gateway: the program accepts the configuration" rendered gateway gateway
  check "chart, courier: the program accepts the configuration" rendered courier courier
fi

log=$work/service.log
# launch WORD…: the image's entrypoint with these, ready or a failure.
launch() {
  local began=$SECONDS
  (enter_tree "$tree" "$gridcare" "${entrypoint[@]}" "$@") >"$log" 2>&1 &
  service=$!
  running[$service]=1
  until curl -sf -o /dev/null "http://127.0.0.1:$http/readyz"; do
    if ! kill -0 "$service" 2>/dev/null || [ $((SECONDS - began)) -gt 30 ]; then
      echo "not ready; it said:"
      cat "$log"
      return 1
    fi
    sleep 0.1
  done
}
# start NAME [VARIABLE=VALUE…]: with the image's default command.
start() {
  local name=$1
  shift
  tree=$work/run-$name
  make_tree "$tree" node-hcmc
  environment=("GRIDCARE_LISTEN_GRPC=0.0.0.0:$grpc" "GRIDCARE_LISTEN_HTTP=127.0.0.1:$http" "GRIDCARE_BUS_REDIS_URL=$redis" "$@")
  launch "${default[@]}"
}
confined() {
  local status=/proc/$service/status
  grep -q "^NoNewPrivs:[[:space:]]*1" "$status" || { echo "it may gain privileges"; return 1; }
  grep -q "^CapEff:[[:space:]]*0*$" "$status" || { echo "it has capabilities"; return 1; }
  [ "$(stat -c %u:%g "/proc/$service")" = "$(image user)" ] || { echo "it runs as $(stat -c %u:%g "/proc/$service")"; return 1; }
  awk '$5 == "/" && $6 !~ /(^|,)ro(,|$)/ { wrong = 1 } END { exit wrong }' "/proc/$service/mountinfo" ||
    { echo "its root can be written"; return 1; }
}
healthy() {
  local words=("${healthcheck[@]}")
  words[-1]=http://127.0.0.1:$http
  environment=()
  in_tree "${words[@]}"
}
foreign() {
  "$python" tests/tools/foreign_client.py "127.0.0.1:$grpc" --ca "$made/tls/ca.pem" --server-name node-hcmc "$@"
}
stop() {
  local code pid=$service
  kill -TERM "$pid"
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  service=
  unset "running[$pid]"
  if kill -0 "$pid" 2>/dev/null; then
    echo "still there 10 s after SIGTERM; it said:"
    tail -n 20 "$log"
    kill -KILL "$pid"
    return 1
  fi
  wait "$pid"
  code=$?
  [ "$code" = 0 ] || { echo "ended with $code; it said:"; tail -n 20 "$log"; return 1; }
}
run() {
  local where=$1
  shift
  check "image, on $where: ready" start "$@"
  # Nothing to ask where nothing runs.
  if ! kill -0 "${service:-none}" 2>/dev/null; then service=; return; fi
  [ "$(containment)" = modes ] || check "image, on $where: confined" confined
  check "image, on $where: its health check" healthy
  check "image, on $where: a foreign client with a certificate finds the services" \
    foreign --cert "$made/tls/gateway.pem" --key "$made/tls/gateway.key" --only-discovery
  check "image, on $where: a foreign client without one is refused" refused "MISMATCH" foreign --only-discovery
  # Either database will do for it.
  [ "$where" != SQLite ] || carry
  check "image, on $where: SIGTERM ends it cleanly within 10 s" stop
}
run SQLite sqlite GRIDCARE_DATABASE_URL=sqlite:///var/lib/gridcare/node.sqlite
if [ -n "$on_postgres" ] && [ "$(containment)" = mounts ]; then
  # The file's own URL, which says everything but the port of this test.
  url=$(sed -n 's/^  url: //p' deploy/config/node-hcmc.yaml)
  run "Postgres by certificate" postgres "GRIDCARE_DATABASE_URL=${url/@postgres/@postgres:$postgres_port}"
fi
exit $bad
