# shellcheck shell=bash
# Third votes, on the switch: a place that no node's power cut takes along. Both end with the switch.

# Corosync's: the quorum device. Each node runs corosync-qdevice.
quorum_device() {
  cat <<CONF
  device {
    model: net
    votes: 1
    net {
      tls: off
      host: $NET.1
      algorithm: ffsplit
    }
  }
CONF
}

start_qnetd() {
  # Its socket and lock have fixed names, and another lab may have one too.
  # shellcheck disable=SC2016 # the inner shell expands it
  setsid ip netns exec "$SWITCH" unshare --mount sh -c 'mount -t tmpfs tmpfs /run && exec corosync-qnetd -f -s off' \
    </dev/null >"$LAB/qnetd.log" 2>&1 &
  deadline 60 "corosync-qnetd (see $LAB/qnetd.log)" qnetd_listens
}

qnetd_listens() { [ -n "$(sw_exec ss -Hltn 'sport = :5403')" ]; }

# Galera's: an arbitrator, which is a member of every view and holds no data.
verb_garbd() {
  local all group
  # After a forced bootstrap it has another name than at first.
  group=$(in_node "$(first_running)" mariadb -NBe 'select @@wsrep_cluster_name')
  all=$(for k in $(nodes); do node_ip "$k"; done | paste -sd,)
  # It leaves its view (gvwstate.dat) where it runs.
  (cd "$LAB" && exec setsid ip netns exec "$SWITCH" garbd --name arbitrator --group "$group" --address "gcomm://$all" \
    --options "gmcast.listen_addr=tcp://$NET.1:4567") </dev/null >"$LAB/garbd.log" 2>&1 &
  deadline 60 "the arbitrator in the component (see $LAB/garbd.log)" grep -q 'SYNCED' "$LAB/garbd.log"
}
