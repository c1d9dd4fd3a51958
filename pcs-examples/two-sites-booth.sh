# Two data centres, each with a cluster of its own, and booth, which grants the ticket db-writer to one of them: the same as
# crm-examples/two-sites-booth.crm. READ THAT FIRST: what a ticket does not do, what is not in this file, and how a site without
# the ticket is started. Run it at both sites, with the addresses of the second site as noted below; then, once,
# `booth grant db-writer` at the site that shall have the writer.
#
#   sh -e two-sites-booth.sh
#
# Fencing MUST work at both sites. /etc/booth/booth.conf: booth/two-sites.conf.

# In a copy of the CIB, so that the cluster gets everything at once.
pcs cluster cib before.xml
cp before.xml after.xml

# Start, stop, promote and demote get the time that the agent advertises. The time of demote belongs into acquire-after of
# booth.conf.
pcs -f after.xml resource create db ocf:galera-rs:galera-rs unpromoted_read_only=true \
  op monitor interval=1s role=Promoted timeout=20s monitor interval=2s role=Unpromoted timeout=20s \
  promotable promoted-max=1 notify=true interleave=true

# The address of the clients' network at this site. At the second site: 198.51.100.10.
pcs -f after.xml resource create address ocf:galera-rs:vip-rs ip=192.0.2.10 \
  op monitor interval=5s timeout=20s monitor interval=61s timeout=20s OCF_CHECK_LEVEL=10 \
  meta failure-timeout=1min
pcs -f after.xml constraint colocation add address with Promoted db-clone INFINITY id=address-with-writer
pcs -f after.xml constraint order promote db-clone then start address symmetrical=false id=writer-then-address
pcs -f after.xml constraint order demote db-clone then stop address kind=Optional symmetrical=false \
  id=demoted-then-address-leaves

# Booth and its address, on one node of the site. At the second site: 198.51.100.9.
pcs -f after.xml resource create booth-address ocf:galera-rs:vip-rs ip=192.0.2.9 \
  op monitor interval=5s timeout=20s meta failure-timeout=1min --group booth
pcs -f after.xml resource create booth-site ocf:pacemaker:booth-site config=/etc/booth/booth.conf \
  op start timeout=20s stop timeout=20s monitor interval=5s timeout=20s meta failure-timeout=1min --group booth

# Without the ticket nobody is promoted; the servers go on as readers and as replicas. For the start of a site without the
# ticket whose servers are all down: pcs constraint delete writer-needs-ticket, and this line without -f when they are members.
pcs -f after.xml constraint ticket add db-writer Promoted db-clone loss-policy=demote id=writer-needs-ticket
pcs -f after.xml constraint ticket add db-writer address loss-policy=stop id=address-needs-ticket

pcs cluster cib-push after.xml diff-against=before.xml
