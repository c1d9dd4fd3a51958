# shellcheck shell=bash
# The cluster of nodes: configuration, up, down, ready, status.

verb_up() {
  local n=${1:-3}
  [[ $n =~ ^[1-5]$ ]] || die "up [N]: 1 to 5 nodes"
  [ "$(count)" = 0 ] || die "there is a lab of $(count) nodes in $LAB; first: lab down"
  trap 'undo_up $?' EXIT
  make_state "$n"
  make_switch
  start_fenced
  [ "${LAB_VOTE:-}" != qdevice ] || start_qnetd
  # shellcheck disable=SC2046 # one word per node
  verb_boot $(nodes)
  verb_ready
}

# A lab that did not come up is left for inspection, but says how to go on.
undo_up() { [ "$1" = 0 ] || echo "lab: up failed; look at: lab logs K; then: lab down" >&2; }

make_state() {
  local n=$1 k
  mkdir -p "$LAB"
  mountpoint -q "$LAB" || mount -t tmpfs -o "size=${LAB_SIZE:-8g},mode=755" galera-rs-lab "$LAB"
  mkdir -p "$SHARED"
  install -m 755 "$HERE/lab.d/node-services" "$HERE/fence_lab" "$SHARED"
  echo "$n" >"$LAB/count"
  for k in $(nodes); do
    mkdir -p "$(node_dir "$k")/etc/corosync"
    node_files "$k" "$n"
  done
}

node_files() {
  local k=$1 n=$2 dir
  dir=$(node_dir "$k")
  corosync_conf "$n" >"$dir/etc/corosync/corosync.conf"
  hosts >"$dir/etc/hosts"
  echo "node$k" >"$dir/etc/hostname"
  first_cib >"$dir/cib.xml"
}

# Each address has two names, so that Galera may call a node otherwise than Pacemaker.
hosts() {
  local k
  echo 127.0.0.1 localhost
  for k in $(nodes); do echo "$(node_ip "$k") node$k db$k"; done
}

corosync_conf() {
  local k
  cat <<CONF
totem {
  version: 2
  cluster_name: lab
  transport: knet
  crypto_cipher: none
  crypto_hash: none
  token: ${LAB_TOKEN:-1000}
  token_coefficient: 0
}
nodelist {
CONF
  for k in $(nodes); do
    printf '  node {\n    ring0_addr: %s\n    name: node%s\n    nodeid: %s\n  }\n' "$(node_ip "$k")" "$k" "$k"
  done
  cat <<CONF
}
quorum {
  provider: corosync_votequorum
$(third_vote "$1")
}
logging {
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
  to_syslog: no
  timestamp: hires
}
CONF
}

# What decides when half of the nodes is gone.
third_vote() {
  if [ "${LAB_VOTE:-}" = qdevice ]; then
    quorum_device
  elif [ "$1" = 2 ]; then
    echo '  two_node: 1'
  fi
}

# What the very first boot finds: a cluster that does not wait 20 s for more controllers.
first_cib() {
  cat <<'XML'
<cib validate-with="pacemaker-3.7" admin_epoch="0" epoch="1" num_updates="0">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="cib-bootstrap-options-dc-deadtime" name="dc-deadtime" value="1s"/>
      </cluster_property_set>
    </crm_config>
    <nodes/><resources/><constraints/>
  </configuration>
  <status/>
</cib>
XML
}

running_nodes() {
  local k
  for k in $(nodes); do is_off "$k" || echo "$k"; done
}

first_running() {
  local on
  mapfile -t on < <(running_nodes)
  echo "${on[0]:-}"
}

verb_ready() { deadline "${1:-60}" "all running nodes online, with quorum" is_ready; }

# Every running node is asked: those that stayed may not yet have missed one that was away.
is_ready() {
  local on k
  mapfile -t on < <(running_nodes)
  [ ${#on[@]} -gt 0 ] || die "no node is on"
  for k in "${on[@]}"; do
    [ "$(online_seen_by "$k")" = "$(printf 'node%s\n' "${on[@]}")" ] || return 1
  done
}

# The online members as node K sees them; nothing without quorum or Pacemaker.
online_seen_by() {
  local seen
  seen=$(in_node "$1" timeout 5 crm_mon -1 -X 2>/dev/null) || return 0
  grep -q 'with_quorum="true"' <<<"$seen" || return 0
  grep '<node name=.*online="true".* pending="false"' <<<"$seen" | cut -d'"' -f2 | sort
}

verb_status() {
  local k
  printf '%-6s %-15s %-5s %-10s %s\n' node address power network galera
  for k in $(nodes); do
    printf '%-6s %-15s %-5s %-10s %s\n' "node$k" "$(node_ip "$k")" \
      "$(is_on "$k" && echo on || echo off)" "$(link_state "$k")" "$(galera_state "$k")"
  done
  k=$(first_running)
  [ -z "$k" ] || in_node "$k" timeout 10 crm_mon -1Ar || true
}

link_state() {
  if [ -e "$LAB/unplugged.$1" ]; then
    echo unplugged
  elif sw_exec nft get element bridge lab ports "{ p$1 }" >/dev/null 2>&1; then
    echo cut
  elif [ -e "$LAB/relay.$1" ]; then
    echo slow
  else
    echo ok
  fi
}

verb_down() {
  local ns
  end_fenced
  for ns in "/run/netns/$ID"-*; do
    [ ! -e "$ns" ] || kill_namespace "${ns##*/}"
  done
  ! mountpoint -q "$LAB" || umount "$LAB" 2>/dev/null || umount -l "$LAB"
  rm -rf --one-file-system "$LAB"
}

verb_purge() {
  verb_down
  rm -rf "$CACHE" "$CACHE.lock"
}
