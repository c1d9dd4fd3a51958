# A Galera cluster of three nodes with one writer: the same as crm-examples/galera-single-writer.crm, which has the reasons.
#
#   sh -e galera-single-writer.sh
#
# Fencing MUST work before data depend on it:
#
#   pcs stonith create fence-node1 fence_ipmilan ip=... pcmk_host_list=node1
#   pcs property set stonith-enabled=true
#
# Not in this file: the server's own configuration. wsrep_cluster_address=gcomm://node1,node2,node3 in its option
# files names the members, and the service of the distribution (systemctl disable mariadb) must not start the server.

# In a copy of the CIB, so that the cluster gets everything at once.
pcs cluster cib before.xml
cp before.xml after.xml

# Start, stop, promote and demote get the time that the agent advertises. One writer: promoted-max=1. To keep ordinary
# accounts from writing to any other node, add unpromoted_read_only=true before "op".
pcs -f after.xml resource create db ocf:galera-rs:galera-rs \
  op monitor interval=1s role=Promoted timeout=20s monitor interval=2s role=Unpromoted timeout=20s \
  promotable promoted-max=1 notify=true interleave=true

pcs cluster cib-push after.xml diff-against=before.xml
