#!/usr/bin/env bash
# Makes what the compose file mounts: an authority, one certificate per service, and the nodes' secret keys.
#
#   deploy/make-certificates.sh [--force] [--into FOLDER]
#
# One authority signs everything here because one machine plays the whole country. In production every corporation keeps
# its own authority, and a member's `tls.client_ca` holds those it trusts.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
into=$here
force=
usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
  case $1 in
    --force) force=1 ;;
    --into) into=${2:?--into needs a folder}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

tls=$into/tls
keys=$into/keys
# New keys would orphan what the old ones wrote: pseudonyms in feeds no longer match, sketches no longer merge.
for folder in "$tls" "$keys"; do
  if [ -z "$force" ] && [ -n "$(ls -A "$folder" 2>/dev/null)" ]; then
    echo "$folder is not empty; --force replaces what is in it" >&2
    exit 1
  fi
done
command -v openssl >/dev/null || { echo "openssl is missing" >&2; exit 1; }

# Made aside and moved at the end, so that a failure half-way leaves no mixture of two authorities.
mkdir -p "$into"
fresh=$(mktemp -d "$into/.making.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
mkdir -p "$fresh/tls" "$fresh/keys"
umask 077

ca() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 \
    -subj "/O=Gridcare example/CN=Gridcare example authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout "$fresh/tls/ca.key" -out "$fresh/tls/ca.pem" 2>/dev/null
}

# certificate NAME URI: for both ends of a connection, because a service is server to some and client to others. The DNS
# name is the compose service's; localhost is there for those who come through a published port. The common name is the
# database role: Postgres lets a service in by the same certificate, and no password exists.
certificate() {
  local name=$1 uri=$2 san
  san="DNS:$name,DNS:localhost,IP:127.0.0.1${uri:+,URI:$uri}"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "/O=Gridcare example/CN=$name" \
    -keyout "$fresh/tls/$name.key" -out "$fresh/$name.csr" 2>/dev/null
  openssl x509 -req -in "$fresh/$name.csr" -CA "$fresh/tls/ca.pem" -CAkey "$fresh/tls/ca.key" -CAcreateserial \
    -CAserial "$fresh/serial" -days 825 -sha256 -out "$fresh/tls/$name.pem" -extfile <(
      echo "basicConstraints=critical,CA:FALSE"
      echo "keyUsage=critical,digitalSignature"
      echo "extendedKeyUsage=serverAuth,clientAuth"
      echo "subjectAltName=$san"
    ) 2>/dev/null
}

ca
for region in npc hanoi cpc hcmc spc; do
  certificate "node-$region" "spiffe://$region.gridcare.example/node/$region-1"
  # Its own to every corporation: nobody else can tell whose pseudonym it is.
  openssl rand -hex 32 >"$fresh/keys/node-$region.pseudonym"
done
certificate gateway "spiffe://evn.gridcare.example/gateway/evn-1"
certificate courier-hcmc "spiffe://hcmc.gridcare.example/courier/hcmc-1"
certificate postgres ""
# One for all nodes and unknown to the gateway: counts of unique customers merge only under the same key.
openssl rand -hex 32 >"$fresh/keys/unique"
# Postgres's image insists on a superuser's password; nothing uses it.
openssl rand -hex 32 >"$fresh/keys/postgres.password"
# The courier's at its message centre. SMPP has room for eight characters.
openssl rand -hex 4 >"$fresh/keys/smsc.password"

chmod 0755 "$fresh/tls" "$fresh/keys"
chmod 0644 "$fresh"/tls/*.pem
chmod 0600 "$fresh"/tls/*.key "$fresh"/keys/*
# A mounted file keeps its owner, and the container's user must read the keys. Root gives them to the image's user, but for
# what only root in a container reads. Anybody else keeps them, and the containers run as that user instead.
env=$fresh/.env
if [ "$(id -u)" = 0 ]; then
  chown 65532:65532 "$fresh"/tls/{node-*,gateway,courier-*}.key "$fresh"/keys/{node-*.pseudonym,unique,smsc.password}
  printf 'GRIDCARE_USER=65532:65532\n' >"$env"
else
  printf 'GRIDCARE_USER=%s:%s\n' "$(id -u)" "$(id -g)" >"$env"
fi
chmod 0644 "$env"

rm -rf "$tls" "$keys"
mv "$fresh/tls" "$fresh/keys" "$into/"
mv "$env" "$into/.env"
echo "made $(find "$tls" -name '*.pem' | wc -l) certificates in $tls and the keys in $keys"
