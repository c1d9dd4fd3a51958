# A Galera cluster of three nodes with one writer, and two addresses for those who only read, spread over the synced
# nodes: the same as crm-examples/vip-readers.crm, which has the reasons.
#
#   sh -e vip-readers.sh
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

# Addresses of your clients' network. critical=false: where they had better be is no reason to move the writer's role.
pcs -f after.xml resource create reader1 ocf:galera-rs:vip-rs ip=192.0.2.11 \
  op monitor interval=5s timeout=20s monitor interval=61s timeout=20s OCF_CHECK_LEVEL=10 \
  meta failure-timeout=1min critical=false
pcs -f after.xml resource create reader2 ocf:galera-rs:vip-rs ip=192.0.2.12 \
  op monitor interval=5s timeout=20s monitor interval=61s timeout=20s OCF_CHECK_LEVEL=10 \
  meta failure-timeout=1min critical=false

# Where the server is Synced its promotion score, the node attribute master-db, is 100. An address stays where it is less
# only if there is no better node, and is nowhere without a score.
pcs -f after.xml constraint location reader1 rule constraint-id=reader1-where-synced \
  score=-INFINITY not_defined master-db
pcs -f after.xml constraint rule add reader1-where-synced score=1000 defined master-db
pcs -f after.xml constraint rule add reader1-where-synced score=1000 master-db gte 100
pcs -f after.xml constraint location reader2 rule constraint-id=reader2-where-synced \
  score=-INFINITY not_defined master-db
pcs -f after.xml constraint rule add reader2-where-synced score=1000 defined master-db
pcs -f after.xml constraint rule add reader2-where-synced score=1000 master-db gte 100

# Each on a node of its own, while there are two, and away from the writer, while there are others.
pcs -f after.xml constraint colocation add reader2 with reader1 -- -100 id=readers-apart
pcs -f after.xml constraint colocation add reader1 with Promoted db-clone -- -10 id=reader1-not-with-writer
pcs -f after.xml constraint colocation add reader2 with Promoted db-clone -- -10 id=reader2-not-with-writer

# A node that is stopped in order loses its address first.
pcs -f after.xml constraint order stop reader1 then stop db-clone kind=Optional symmetrical=false id=reader1-leaves-first
pcs -f after.xml constraint order stop reader2 then stop db-clone kind=Optional symmetrical=false id=reader2-leaves-first

pcs cluster cib-push after.xml diff-against=before.xml
