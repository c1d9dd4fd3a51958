# shellcheck shell=bash
# The power switch: a socket that every node sees as /run/lab/fence.sock. fence_lab speaks to it.

start_fenced() {
  # shellcheck disable=SC2016 # the inner shell expands it
  setsid socat "UNIX-LISTEN:$SHARED/fence.sock,fork,mode=600" 'SYSTEM:"$SELF" fence-answer' \
    </dev/null >>"$LAB/fence.log" 2>&1 &
  echo $! >"$LAB/fenced.pid"
  deadline 60 "the fencing socket" test -S "$SHARED/fence.sock"
}

# Ends the listener with the answers it still gives: they are one session.
end_fenced() {
  local pid
  pid=$(cat "$LAB/fenced.pid" 2>/dev/null) || return 0
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != socat ] || pkill -9 -s "$pid" || true
}

# Reads one request, "ACTION NODE", and answers "ok .." or "failed ..".
verb_fence_answer() {
  local action node answer
  read -r action node
  answer=$(fence_action "$action" "$node" 2>&1) || answer="failed $answer"
  echo "$(date +%T.%3N) $action $node: $answer" >>"$LAB/fence.log"
  echo "$answer"
}

fence_action() {
  local action=$1 k=${2#node}
  [ ! -e "$LAB/fencing-broken" ] || { echo "the power switch is broken"; return 1; }
  case $action in
    list) nodes | sed 's/^/ok node/' ; return ;;
    monitor) echo ok; return ;;
  esac
  check_node "$k"
  case $action in
    status) is_on "$k" && echo "ok on" || echo "ok off" ;;
    off) each power_off "$k"; echo "ok off" ;;
    on) each power_on "$k"; echo "ok on" ;;
    reboot) each power_off "$k"; power_returns "$k"; echo "ok on" ;;
    *) echo "unknown action $action"; return 1 ;;
  esac
}

# A power switch does not wait until the machine has booted. Nor may the answer's pipe be held meanwhile.
power_returns() { each power_on "$1" </dev/null >>"$LAB/fence.log" 2>&1 & }

verb_fencing() {
  case ${1:-} in
    break) touch "$LAB/fencing-broken" ;;
    mend) rm -f "$LAB/fencing-broken" ;;
    '') configure_fencing "$(first_running)" ;;
    *) die "fencing [break|mend]" ;;
  esac
}

# A static list of nodes: with a dynamic one a broken switch controls nobody, and is not asked again.
configure_fencing() {
  in_node "$1" cibadmin --modify --allow-create --scope resources --xml-text '<resources>
    <primitive id="fence" class="stonith" type="fence_lab">
      <instance_attributes id="fence-options">
        <nvpair id="fence-hosts" name="pcmk_host_list" value="'"$(nodes | sed 's/^/node/' | paste -sd' ')"'"/>
      </instance_attributes>
      <operations><op id="fence-monitor" name="monitor" interval="60s" timeout="20s"/></operations>
    </primitive></resources>'
  in_node "$1" crm_attribute --type crm_config --name stonith-enabled --update true
}
