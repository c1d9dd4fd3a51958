# One MaxScale and the address that clients connect to, in a group: the same as crm-examples/maxscale-group-vip.crm, which
# has the reasons.
#
#   sh -e maxscale-group-vip.sh
#
# Fencing: without it Pacemaker cannot take the address from a node whose state it does not know.
#
# On every node: MaxScale installed, /etc/maxscale.cnf the same, and its own unit disabled (systemctl disable --now
# maxscale.service).

# In a copy of the CIB, so that the cluster gets everything at once.
pcs cluster cib before.xml
cp before.xml after.xml

# The address first. A start of it that failed, with the cable out for example, does not ban the node for longer than a
# minute.
pcs -f after.xml resource create vip ocf:galera-rs:vip-rs ip=192.0.2.10 \
  op monitor interval=10s timeout=20s meta failure-timeout=60s --group proxy

# Start and stop get the time that the agent advertises. An account for the REST API other than that of a new
# installation: admin_credentials=/etc/maxscale.rest before "op".
pcs -f after.xml resource create maxscale ocf:galera-rs:maxscale-rs \
  op monitor interval=5s timeout=20s OCF_CHECK_LEVEL=10 \
  meta migration-threshold=3 failure-timeout=60s --group proxy

pcs cluster cib-push after.xml diff-against=before.xml
