#!/usr/bin/env bash
# The protos: lint, format, and that nobody who speaks the last version is broken.
#
#   GRIDCARE_WIRE_AGAINST=REV tests/tools/check_wire.sh    compares with that revision
#
# Between releases a commit may break what is not released yet, with a trailer `Wire-break: REASON` in its message.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
buf=${GRIDCARE_TEST_BUF:-$root/target/tools/python/bin/buf}
[ -x "$buf" ] || { echo "buf is missing; tests/run installs it" >&2; exit 1; }

bad=0
check() {
  local name=$1
  shift
  if "$@"; then printf 'ok    %s\n' "$name"; else printf 'FAIL  %s\n' "$name"; bad=1; fi
}

check "buf lint" "$buf" lint proto
check "buf format" "$buf" format --diff --exit-code proto

# The last release if there is one, because that is what others run; else the commit before, which on the main branch is what
# others build. A shallow clone may know neither.
against=${GRIDCARE_WIRE_AGAINST:-$(git describe --tags --abbrev=0 2>/dev/null || git rev-parse --verify --quiet 'HEAD~1^{commit}' 2>/dev/null)}
if [ -z "$against" ]; then
  echo "skip  buf breaking: no tag and no earlier commit to compare with"
elif ! git cat-file -e "$against:proto/buf.yaml" 2>/dev/null; then
  echo "skip  buf breaking: $against has no proto/buf.yaml, or it is not in this clone"
elif ! git describe --tags --exact-match "$against" >/dev/null 2>&1 &&
  excuse=$(git log -1 --format='%(trailers:key=Wire-break,valueonly)' HEAD) && [ -n "$excuse" ]; then
  # Nobody depends on what was never released; but the author has to say so, in the commit's last lines.
  echo "skip  buf breaking against $against: $excuse"
else
  # From an archive, not by buf's own clone, which a shallow repository refuses.
  earlier=$(mktemp -d)
  trap 'rm -rf "$earlier"' EXIT
  git archive "$against" proto | tar -x -C "$earlier"
  check "buf breaking against $(git describe --tags --always "$against")" "$buf" breaking proto --against "$earlier/proto"
fi
exit $bad
