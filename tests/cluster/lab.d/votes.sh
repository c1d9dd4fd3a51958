# shellcheck shell=bash
# A third vote, on the switch: a place that no node's power cut takes along. It ends with the switch.

# The quorum device. Each node runs corosync-qdevice.
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
  deadline 5 "corosync-qnetd (see $LAB/qnetd.log)" qnetd_listens
}

qnetd_listens() { [ -n "$(sw_exec ss -Hltn 'sport = :5403')" ]; }
