# shellcheck shell=bash
# Names, addresses and paths of one lab, and the two ways to end: die and deadline.

LAB=${LAB:-/run/galera-rs-lab}
export LAB
CACHE=/var/cache/galera-rs-lab
SHARED=$LAB/shared # /run/lab in every node

# Another state directory is another lab: its names and addresses follow from the path.
if [ "$LAB" = /run/galera-rs-lab ]; then
  ID=galab OCTET=0
else
  OCTET=$(($(cksum <<<"$LAB" | cut -d' ' -f1) % 250 + 1))
  ID=galab$OCTET
fi
NET=10.77.$OCTET
SWITCH=$ID-switch

node_dir() { echo "$LAB/node$1"; }
node_ns() { echo "$ID-node$1"; }
node_ip() { echo "$NET.$((10 + $1))"; }
node_mac() { printf '02:77:00:%02x:00:%02x\n' "$OCTET" "$1"; }
count() { cat "$LAB/count" 2>/dev/null || echo 0; }
nodes() { seq "$(count)"; }

die() {
  echo "lab: $*" >&2
  exit 1
}

verb_ip() {
  check_node "${1:-}"
  node_ip "$1"
}

check_node() {
  [[ ${1:-} =~ ^[0-9]+$ ]] && [ "$1" -ge 1 ] && [ "$1" -le "$(count)" ] ||
    die "no node '${1:-}': this lab has $(count)"
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# deadline SECONDS WHAT COMMAND...: polls the command; dies naming WHAT when the time is up.
deadline() {
  local seconds=$1 what=$2 end
  end=$(($(now_ms) + $1 * 1000))
  shift 2
  until "$@"; do
    [ "$(now_ms)" -lt "$end" ] || die "not within $seconds s: $what"
    sleep 0.05
  done
}
