# shellcheck shell=bash
# The switch: a bridge in a namespace of its own. Node K hangs on port pK.

sw() { ip -n "$SWITCH" "$@"; }
sw_exec() { ip netns exec "$SWITCH" "$@"; }
has_ns() { [ -e "/run/netns/$1" ]; }

make_switch() {
  has_ns "$SWITCH" && return 0
  ip netns add "$SWITCH"
  sw link set lo up
  sw link add br0 type bridge
  sw addr add "$NET.1/24" dev br0
  sw link set br0 up
  sw_exec nft -f - <<'NFT'
table bridge lab {
  set ports { type ifname; }
  set pairs { type ether_addr . ether_addr; }
  chain forward {
    type filter hook forward priority 0;
    iifname @ports drop
    oifname @ports drop
    ether saddr . ether daddr @pairs drop
  }
  chain input { type filter hook input priority 0; iifname @ports drop; }
  chain output { type filter hook output priority 0; oifname @ports drop; }
}
NFT
}

plug_node() {
  local k=$1 ns
  ns=$(node_ns "$k")
  has_ns "$ns" && ip netns del "$ns"
  ip netns add "$ns"
  ip -n "$ns" link set lo up
  sw link add "p$k" type veth peer name eth0 netns "$ns"
  ip -n "$ns" link set eth0 address "$(node_mac "$k")" up
  ip -n "$ns" addr add "$(node_ip "$k")/24" brd + dev eth0
  sw link set "p$k" master "$(port_bridge "$k")"
  [ -e "$LAB/unplugged.$k" ] || sw link set "p$k" up
}

remove_network() {
  local ns
  for ns in "/run/netns/$ID"-*; do
    [ ! -e "$ns" ] || ip netns del "${ns##*/}"
  done
}

verb_cut() {
  check_node "${1:-}"
  if [ $# -eq 1 ]; then
    sw_exec nft add element bridge lab ports "{ p$1 }"
  else
    check_node "$2"
    sw_exec nft add element bridge lab pairs "{ $(pair "$1" "$2") }"
  fi
}

pair() {
  local a b
  a=$(node_mac "$1") b=$(node_mac "$2")
  echo "$a . $b, $b . $a"
}

verb_unplug() {
  check_node "${1:-}"
  touch "$LAB/unplugged.$1"
  sw link set "p$1" down
}

verb_heal() {
  case $# in
    0) heal_all ;;
    1) heal_node "$1" ;;
    *) forget pairs "$(pair "$1" "$2")" ;;
  esac
}

heal_all() {
  local k
  for k in $(nodes); do heal_node "$k"; done
  sw_exec nft flush set bridge lab pairs
}

heal_node() {
  local k=$1 j
  check_node "$k"
  rm -f "$LAB/unplugged.$k"
  sw link set "p$k" up 2>/dev/null || true # powered off: no port now
  forget ports "p$k"
  for j in $(nodes); do
    [ "$j" = "$k" ] || forget pairs "$(pair "$k" "$j")"
  done
}

# Takes elements out of a set; an absent one is no error.
forget() {
  sw_exec nft -f - <<NFT
add element bridge lab $1 { $2 }
delete element bridge lab $1 { $2 }
NFT
}

# A slow node sits on a bridge of its own, tied to br0 by the relay.
port_bridge() { if [ -e "$LAB/relay.$1" ]; then echo "slow$1"; else echo br0; fi; }

verb_slow() {
  local k=${1:-} ms=${2:-} loss=${3:-0} mbit=${4:-0}
  check_node "$k"
  [ -n "$ms" ] || die "slow K MS [LOSS [MBIT]]"
  end_relay "$k"
  [ "$ms $loss $mbit" = "0 0 0" ] || start_relay "$k" "$ms" "$loss" "$mbit"
}

start_relay() {
  local k=$1
  sw link add "slow$k" type bridge
  sw link set "slow$k" up
  ip netns exec "$SWITCH" setsid python3 "$HERE/relay.py" "near$k" "far$k" "${@:2}" </dev/null >"$LAB/relay.$k.log" 2>&1 &
  echo $! >"$LAB/relay.$k"
  deadline 60 "relay of node $k (see $LAB/relay.$k.log)" relay_is_up "$k"
  sw link set "near$k" master "slow$k" up
  sw link set "far$k" master br0 up
  sw link set "p$k" master "slow$k" 2>/dev/null || true
}

relay_is_up() { sw link show "far$1" >/dev/null 2>&1; }

end_relay() {
  local k=$1
  [ -e "$LAB/relay.$k" ] || return 0
  sw link set "p$k" master br0 2>/dev/null || true
  kill -9 "$(cat "$LAB/relay.$k")" 2>/dev/null || true
  rm -f "$LAB/relay.$k"
  sw link del "slow$k"
  deadline 60 "relay of node $k to end" relay_is_down "$k"
}

relay_is_down() { ! relay_is_up "$1"; }
