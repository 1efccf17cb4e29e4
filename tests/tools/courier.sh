# shellcheck shell=bash disable=SC2154,SC2034,SC2004 # what is not set here is check_deploy.sh's, which reads what is set
# Sourced. The courier of compose.yaml beside the node that runs, with the sandbox centre as compose.yaml runs it.

# start_centre PORT
start_centre() {
  local words began=$SECONDS
  mapfile -t words < <("$python" tests/tools/deployment.py words "$made" smsc)
  mkdir -p "$work/bin"
  ln -sf "$(realpath "$gridcare")" "$work/bin/gridcare"
  env -i PATH="$work/bin:/usr/bin:/bin" "${words[@]/0.0.0.0:*/127.0.0.1:$1}" >"$log" 2>&1 &
  service=$!
  running[$service]=1
  # Compose's health check, at this port.
  until bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; do
    if ! kill -0 "$service" 2>/dev/null || [ $((SECONDS - began)) -gt 30 ]; then
      echo "it listens to nobody; it said:"
      cat "$log"
      return 1
    fi
    sleep 0.1
  done
}

# start_courier PORT: of the centre.
start_courier() {
  local config=$tree/etc/gridcare/config.yaml
  make_tree "$tree" courier-hcmc
  chmod u+w "$tree/etc/gridcare" "$config"
  sed -i "s/ smsc:[0-9]*$/ 127.0.0.1:$1/" "$config"
  environment=("GRIDCARE_NODE_ENDPOINT=https://localhost:$grpc" GRIDCARE_CLIENT_TLS_DOMAIN=node-hcmc
    "GRIDCARE_LISTEN_HTTP=127.0.0.1:$http" GRIDCARE_LEASE_WAIT_SECONDS=1)
  launch courier --config /etc/gridcare/config.yaml
}

# Its centre knows the account and the password, each of which both have from their own files.
bound() {
  for _ in $(seq 100); do
    curl -s "http://127.0.0.1:$http/metrics" >"$work/figures"
    ! grep -qx 'gridcare_smpp_bound{session="sandbox"} 1' "$work/figures" || return 0
    sleep 0.1
  done
  echo "not bound within 10 s; it said:"
  tail -n 20 "$log"
  return 1
}

carry() {
  local service='' log=$work/centre.log tree=$work/run-courier http port centre
  http=$(free_port)
  port=$(free_port)
  check "image, sandbox centre: listens" start_centre "$port"
  centre=$service
  service=
  log=$work/courier.log
  check "image, courier: ready, so that its node lets it in" start_courier "$port"
  if kill -0 "${service:-none}" 2>/dev/null; then
    [ "$(containment)" = modes ] || check "image, courier: confined" confined
    check "image, courier: its health check" healthy
    check "image, courier: bound to the sandbox centre by its password" bound
    check "image, courier: SIGTERM ends it cleanly within 10 s" stop
  fi
  service=$centre
  log=$work/centre.log
  if kill -0 "${service:-none}" 2>/dev/null; then
    check "image, sandbox centre: SIGTERM ends it cleanly within 10 s" stop
  fi
}
