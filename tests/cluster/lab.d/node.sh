# shellcheck shell=bash
# One node: power, commands, logs.

node_pid() { cat "$(node_dir "$1")/pid" 2>/dev/null; }
# Neither a zombie nor a stranger who inherited the number has this file.
is_on() { [ -e "/proc/$(node_pid "$1" || echo none)/root/run/lab/node-services" ]; }
is_off() { ! is_on "$1"; }

in_node() {
  local k=$1
  shift
  is_on "$k" || die "node $k is off"
  nsenter -t "$(node_pid "$k")" -m -u -i -n -p -r -w -- /usr/bin/env -i HOME=/root \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    TERM="${TERM:-xterm}" LANG=C.UTF-8 OCF_ROOT=/usr/lib/ocf "$@"
}

# The root directory of a node as seen from outside, running or not.
node_root() {
  if is_on "$1"; then echo "/proc/$(node_pid "$1")/root"; else echo "$(node_dir "$1")/upper"; fi
}

# One power action per node at a time: fencing and the user may collide.
with_power() {
  local k=$1
  shift
  (
    flock 9
    "$@"
  ) 9>"$LAB/power.$k"
}

power_on() {
  local k=$1 dir
  is_off "$k" || return 0
  dir=$(node_dir "$k")
  plug_node "$k"
  setsid ip netns exec "$(node_ns "$k")" \
    unshare --mount --uts --ipc --pid --fork --kill-child --propagation private \
    "$HERE/lab.d/node-init" "$dir" "$SHARED" "node$k" </dev/null >>"$dir/console" 2>&1 9>&- &
  deadline 60 "boot of node $k (see $dir/console)" find_init "$k" $!
}

# The node's PID 1 is the only child of unshare, once it has become tini.
find_init() {
  local k=$1 unshare=$2 child
  [ -e "/proc/$unshare" ] || die "node $k did not boot: $(cat "$(node_dir "$k")/console")"
  read -r child _ <"/proc/$unshare/task/$unshare/children" || true # ends without a newline
  [ -n "$child" ] && [ "$(cat "/proc/$child/comm" 2>/dev/null)" = tini ] || return 1
  echo "$child" >"$(node_dir "$k")/pid"
}

# The network goes first: a dead machine sends no FIN.
power_off() {
  local k=$1 ns
  ns=$(node_ns "$k")
  sw link del "p$k" 2>/dev/null || true
  ! is_on "$k" || kill -9 "$(node_pid "$k")"
  ! has_ns "$ns" || kill_namespace "$ns"
  deadline 60 "death of node $k" is_off "$k"
  rm -f "$(node_dir "$k")/pid"
}

# Kills by namespace, not by pid file: so nothing escapes and nobody else is hit.
kill_namespace() {
  ip netns pids "$1" | xargs -r kill -9 2>/dev/null || true
  deadline 60 "end of the processes in $1" is_empty "$1"
  ip netns del "$1"
}

is_empty() {
  local left
  left=$(ip netns pids "$1")
  [ -z "$left" ] || {
    xargs -r kill -9 <<<"$left" 2>/dev/null || true
    return 1
  }
}

# Runs a power action on several nodes at once.
each() {
  local action=$1 k jobs=()
  shift
  for k in "$@"; do check_node "$k"; done
  for k in "$@"; do
    with_power "$k" "$action" "$k" &
    jobs+=($!)
  done
  for k in "${jobs[@]}"; do wait "$k"; done
}

verb_crash() { each power_off "${@:?which node}"; }
verb_boot() { each power_on "${@:?which node}"; }

verb_stop() {
  local daemon
  check_node "${1:-}"
  for daemon in pacemakerd corosync; do
    in_node "$1" pkill -TERM -x "$daemon" || continue
    deadline 120 "$daemon to end on node $1" has_ended "$1" "$daemon"
  done
  with_power "$1" power_off "$1"
}

has_ended() { ! in_node "$1" pgrep -x "$2" >/dev/null; }

verb_sh() {
  local k=${1:-}
  check_node "$k"
  shift
  [ $# -gt 0 ] || set -- /bin/bash -i
  in_node "$k" "$@"
}

verb_pause() {
  check_node "${1:-}"
  in_node "$1" pkill -STOP -x "${2:?which process}" || die "no process '$2' on node $1"
}

verb_resume() {
  check_node "${1:-}"
  in_node "$1" pkill -CONT -x "${2:?which process}" || die "no process '$2' on node $1"
}

log_file() {
  case $2 in
    pacemaker) echo "$(node_root "$1")/var/log/pacemaker/pacemaker.log" ;;
    corosync) echo "$(node_root "$1")/var/log/corosync/corosync.log" ;;
    mysql) echo "$(node_root "$1")/var/log/mysql/error.log" ;;
    console) echo "$(node_dir "$1")/console" ;;
    *) die "no log '$2': pacemaker, mysql, corosync or console" ;;
  esac
}

verb_logs() {
  local k=${1:-} name=${2:-} lines=${3:-50}
  check_node "$k"
  if [ -n "$name" ]; then
    tail -n "$lines" "$(log_file "$k" "$name")"
    return
  fi
  for name in console corosync mysql pacemaker; do
    echo "==== node $k $name: $(log_file "$k" "$name")"
    tail -n "$lines" "$(log_file "$k" "$name")" 2>/dev/null || true
  done
}

verb_deploy() {
  local dir=${1:?which directory} k
  [ -d "$dir" ] || die "no directory '$dir'"
  for k in $(nodes); do
    tar -C "$dir" --owner=0 --group=0 -c . |
      tar -C "$(node_root "$k")" -x --no-overwrite-dir --keep-directory-symlink
  done
}
