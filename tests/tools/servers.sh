# shellcheck shell=bash disable=SC2034 # the ports are for the caller
# Sourced. Private instances of Postgres and Redis on free ports, in a folder of their own; `stop_servers` ends both.

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Postgres refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    # From a folder that it may enter, or every command complains.
    (cd / && exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@")
  else
    "$@"
  fi
}

# start_postgres FOLDER [OPTION=VALUE…]: sets postgres_port.
start_postgres() {
  local folder=$1 binaries options='' option
  shift
  binaries=$(postgres_binaries)
  mkdir -p "$folder"
  [ "$(id -u)" != 0 ] || chown postgres "$folder"
  postgres_port=$(free_port)
  # Tests of durability mean nothing on a server that does not sync.
  for option in listen_addresses=127.0.0.1 fsync=on synchronous_commit=on full_page_writes=on \
    max_connections=200 shared_buffers=256MB "$@"; do
    options+=" -c $option"
  done
  # -N: the folder is thrown away, its creation need not be durable.
  as_postgres "$binaries/initdb" -N -D "$folder/data" -U postgres -A trust --locale=C.UTF-8 -E UTF8 >"$folder/initdb.log" 2>&1 ||
    { cat "$folder/initdb.log" >&2; return 1; }
  postgres_folders+=("$folder")
  as_postgres "$binaries/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/log" \
    -o "-p $postgres_port -k $folder $options" start >"$folder/start.log" 2>&1 ||
    { cat "$folder/start.log" "$folder/log" >&2; return 1; }
}

# start_redis FOLDER: sets redis_port.
start_redis() {
  local folder=$1
  mkdir -p "$folder"
  redis_port=$(free_port)
  # A session of its own, so that Ctrl-C reaches the tests first and the server last.
  setsid redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$folder" --save '' --appendonly no >"$folder/log" 2>&1 &
  redis_pids+=($!)
  for _ in $(seq 100); do
    redis-cli -p "$redis_port" ping >/dev/null 2>&1 && return
    sleep 0.05
  done
  cat "$folder/log" >&2
  return 1
}

postgres_folders=()
redis_pids=()
stop_servers() {
  local folder pid
  for folder in "${postgres_folders[@]}"; do
    as_postgres "$(postgres_binaries)/pg_ctl" -D "$folder/data" -m immediate -w -t 20 stop >/dev/null 2>&1
  done
  for pid in "${redis_pids[@]}"; do
    kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  done
  postgres_folders=()
  redis_pids=()
}
