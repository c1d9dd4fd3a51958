# A MaxScale on every node, all alike, and the address that clients connect to beside a healthy one: the same as
# crm-examples/maxscale-clone-vip.crm, which has the reasons.
#
#   sh -e maxscale-clone-vip.sh
#
# Fencing: without it Pacemaker cannot take the address from a node whose state it does not know.
#
# On every node: MaxScale installed, /etc/maxscale.cnf the same, and its own unit disabled (systemctl disable --now
# maxscale.service).

# In a copy of the CIB, so that the cluster gets everything at once.
pcs cluster cib before.xml
cp before.xml after.xml

# Start and stop get the time that the agent advertises. An account for the REST API other than that of a new
# installation: admin_credentials=/etc/maxscale.rest before "op". A MaxScale that fails is left alone for half a minute,
# and the address moves at once.
pcs -f after.xml resource create maxscale ocf:galera-rs:maxscale-rs \
  op monitor interval=5s timeout=20s OCF_CHECK_LEVEL=10 \
  meta migration-threshold=1 failure-timeout=30s \
  clone interleave=true

# A start of the address that failed, with the cable out for example, does not ban the node for longer than a minute.
pcs -f after.xml resource create vip ocf:galera-rs:vip-rs ip=192.0.2.10 \
  op monitor interval=10s timeout=20s meta failure-timeout=60s

# Not Mandatory: the address would go down whenever a MaxScale on another node is restarted.
pcs -f after.xml constraint colocation add vip with maxscale-clone INFINITY id=vip-with-maxscale
pcs -f after.xml constraint order maxscale-clone then vip kind=Optional id=maxscale-before-vip

pcs cluster cib-push after.xml diff-against=before.xml
