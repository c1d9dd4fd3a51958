# Two database nodes and a third that holds no data and runs Galera's arbitrator: the same as
# crm-examples/two-nodes-garbd.crm, which has the reasons.
#
#   sh -e two-nodes-garbd.sh
#
# Fencing MUST work: see the documents. wsrep_cluster_address=gcomm://node1,node2 in the servers' option files names the
# two members; the arbitrator is none of them.

# In a copy of the CIB, so that the cluster gets everything at once.
pcs cluster cib before.xml
cp before.xml after.xml

# Start, stop, promote and demote get the time that the agent advertises.
pcs -f after.xml resource create db ocf:galera-rs:galera-rs \
  op monitor interval=1s role=Promoted timeout=20s monitor interval=2s role=Unpromoted timeout=20s \
  promotable promoted-max=1 notify=true interleave=true clone-max=2

# It relays every write set: its node needs the bandwidth.
pcs -f after.xml resource create arbitrator ocf:heartbeat:garbd \
  wsrep_cluster_address=gcomm://node1:4567,node2:4567 wsrep_cluster_name=galera \
  op start timeout=20s stop timeout=20s monitor interval=20s timeout=20s

pcs -f after.xml constraint location add db-not-on-arbitrator db-clone node3 -- -INFINITY
pcs -f after.xml constraint location arbitrator rule constraint-id=arbitrator-on-its-node \
  score=-INFINITY '#uname' ne node3
# It joins the component that a server has opened.
pcs -f after.xml constraint order promote db-clone then start arbitrator symmetrical=false \
  id=component-then-arbitrator

pcs cluster cib-push after.xml diff-against=before.xml
