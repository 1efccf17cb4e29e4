# shellcheck shell=bash disable=SC2154 # `root`, `python` and `made` are the caller's
# Sourced. Stands in for a container engine, which cannot be assumed: a service's tree as compose.yaml mounts it, read-only,
# entered as the image's user with no privileges. The host's C library and time zones stand in for the base image's.

# How the tree is made read-only here: `mounts`, or `modes` where this user may not mount.
containment() {
  if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then echo mounts; else echo modes; fi
}

image() { "$python" "$root/tests/tools/deployment.py" image "$1"; }

# make_tree TREE SERVICE
make_tree() {
  local tree=$1 service=$2 from to
  mkdir -p "$tree"/{usr/local/bin,usr/lib,usr/lib64,usr/share/zoneinfo,var/lib/gridcare,etc,dev,proc}
  ln -s usr/lib "$tree/lib"
  ln -s usr/lib64 "$tree/lib64"
  touch "$tree/usr/local/bin/gridcare" "$tree/dev/null" "$tree/dev/urandom"
  # The names of the compose network.
  echo "127.0.0.1 localhost postgres redis" >"$tree/etc/hosts"
  while IFS=$'\t' read -r from to; do
    mkdir -p "$(dirname "$tree$to")"
    # Owner and mode are what is tested: can the image's user read the key?
    cp -p "$from" "$tree$to"
  done < <("$python" "$root/tests/tools/deployment.py" mounts "$made" "$service")
  if [ "$(containment)" = modes ]; then
    grep -rlE '/etc/gridcare|/var/lib/gridcare' "$tree/etc" | xargs -r sed -i "s,/etc/gridcare,$tree&,g; s,/var/lib/gridcare,$tree&,g"
    chmod -R a-w "$tree"
    chmod u+w "$tree/var/lib/gridcare"
  fi
}

# What the image's process finds in its environment: nothing of this machine's.
environment=()

# enter_tree TREE BINARY COMMAND…: replaces this process, so call it in a subshell; its pid is the service's.
enter_tree() {
  local tree=$1 binary=$2 user
  shift 2
  user=$(image user)
  if [ "$(containment)" = modes ]; then
    # Paths in arguments too; the binary stays where it is.
    local words=("${@//\/etc\/gridcare/$tree/etc/gridcare}")
    [ "${words[0]}" = gridcare ] && words[0]=$binary
    exec env -i --chdir="$tree/var/lib/gridcare" "${environment[@]//\/var\/lib\/gridcare/$tree/var/lib/gridcare}" "${words[@]}"
  fi
  # shellcheck disable=SC2016 # expanded by the inner shell
  exec env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "${environment[@]}" unshare --mount --propagation private bash -euc '
    tree=$1 binary=$2 user=$3
    shift 3
    mount --bind "$tree" "$tree"
    for folder in /usr/lib /usr/lib64 /usr/share/zoneinfo; do
      [ ! -d "$folder" ] || { mount --bind "$folder" "$tree$folder"; mount -o remount,bind,ro "$tree$folder"; }
    done
    mount --bind "$binary" "$tree/usr/local/bin/gridcare"
    mount -o remount,bind,ro "$tree/usr/local/bin/gridcare"
    for device in null urandom; do mount --bind "/dev/$device" "$tree/dev/$device"; done
    mount --rbind /proc "$tree/proc"
    # The one writable folder.
    mount -t tmpfs -o "mode=0700,uid=${user%%:*},gid=${user##*:},size=64m" none "$tree/var/lib/gridcare"
    mount -o remount,bind,ro "$tree"
    exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$tree" "$@"
  ' bash "$tree" "$binary" "$user" "$@"
}
