# A Galera cluster of three nodes with one writer, and an address that is always where the writer is: the same as
# crm-examples/vip-with-writer.crm, which has the reasons.
#
#   sh -e vip-with-writer.sh
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

# Start, stop, promote and demote get the time that the agent advertises.
pcs -f after.xml resource create db ocf:galera-rs:galera-rs \
  op monitor interval=1s role=Promoted timeout=20s monitor interval=2s role=Unpromoted timeout=20s \
  promotable promoted-max=1 notify=true interleave=true

# The address of your clients' network; IPv6 may stand beside it, as ip="192.0.2.10 2001:db8::10". The second monitor
# asks whether another machine answers for it.
pcs -f after.xml resource create address ocf:galera-rs:vip-rs ip=192.0.2.10 \
  op monitor interval=5s timeout=20s monitor interval=61s timeout=20s OCF_CHECK_LEVEL=10 \
  meta failure-timeout=1min

# The address is on no other node than the writer's, comes when the writer is promoted, and stays until it is demoted.
pcs -f after.xml constraint colocation add address with Promoted db-clone INFINITY id=address-with-writer
pcs -f after.xml constraint order promote db-clone then start address symmetrical=false id=writer-then-address
pcs -f after.xml constraint order demote db-clone then stop address kind=Optional symmetrical=false \
  id=demoted-then-address-leaves

pcs cluster cib-push after.xml diff-against=before.xml
