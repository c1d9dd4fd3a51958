# A MaxScale on every node, one of them active, and the address that clients connect to beside that one: the same as
# crm-examples/maxscale-promotable-vip.crm, which has the reasons.
#
#   sh -e maxscale-promotable-vip.sh
#
# Fencing: without it Pacemaker cannot take the role, nor the address, from a node whose state it does not know.
#
# On every node: MaxScale installed, /etc/maxscale.cnf the same, and its own unit disabled (systemctl disable --now
# maxscale.service).

# In a copy of the CIB, so that the cluster gets everything at once.
pcs cluster cib before.xml
cp before.xml after.xml

# Start, stop, promote and demote get the time that the agent advertises. An account for the REST API other than that of a
# new installation must be one of an administrator: admin_credentials=/etc/maxscale.rest before "op".
pcs -f after.xml resource create maxscale ocf:galera-rs:maxscale-rs \
  op monitor interval=5s role=Promoted timeout=20s OCF_CHECK_LEVEL=10 \
  monitor interval=6s role=Unpromoted timeout=20s OCF_CHECK_LEVEL=10 \
  promotable promoted-max=1 interleave=true

# A start of the address that failed, with the cable out for example, does not ban the node for longer than a minute.
pcs -f after.xml resource create vip ocf:galera-rs:vip-rs ip=192.0.2.10 \
  op monitor interval=10s timeout=20s meta failure-timeout=60s

pcs -f after.xml constraint colocation add vip with Promoted maxscale-clone INFINITY id=vip-with-active-maxscale
pcs -f after.xml constraint order promote maxscale-clone then start vip id=active-maxscale-before-vip

pcs cluster cib-push after.xml diff-against=before.xml
