# shellcheck shell=bash
# Galera: configuration, data, the writer.

verb_galera() {
  local prefix=node k
  if [ "${1:-}" = -n ]; then
    prefix=${2:?galera -n PREFIX}
    shift 2
  fi
  for k in $(nodes); do
    install -d "$(node_root "$k")/etc/mysql/mariadb.conf.d"
    galera_cnf "$k" "$prefix" "$@" >"$(node_root "$k")/etc/mysql/mariadb.conf.d/90-galera.cnf"
    name_hosts "$k" "$prefix"
  done
}

galera_cnf() {
  local k=$1 prefix=$2 all
  shift 2
  all=$(nodes | sed "s/^/$prefix/" | paste -sd,)
  cat <<CNF
[mysqld]
user=mysql
bind-address=0.0.0.0
skip_name_resolve=ON
datadir=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
pid-file=/run/mysqld/mysqld.pid
log_error=/var/log/mysql/error.log
binlog_format=row
default_storage_engine=InnoDB
innodb_autoinc_lock_mode=2
innodb_flush_log_at_trx_commit=1
innodb_buffer_pool_size=64M
innodb_log_file_size=32M
wsrep_on=ON
wsrep_provider=/usr/lib/galera/libgalera_smm.so
wsrep_cluster_address=gcomm://$all
wsrep_cluster_name=lab
wsrep_node_address=$(node_ip "$k")
wsrep_node_name=$prefix$k
wsrep_sst_method=rsync
wsrep_provider_options="gcache.size=32M"
CNF
  [ $# -eq 0 ] || printf '%s\n' "$@"
}

# Makes PREFIX1.. resolvable where it is neither node1.. nor db1.., now and after the next boot.
name_hosts() {
  local k=$1 prefix=$2 j file
  for file in "$(node_root "$k")/etc/hosts" "$(node_dir "$k")/etc/hosts"; do
    for j in $(nodes); do
      grep -qw "$prefix$j" "$file" || echo "$(node_ip "$j") $prefix$j" >>"$file"
    done
  done
}

verb_data() {
  local k root
  # shellcheck disable=SC2046 # one word per node
  [ $# -gt 0 ] || set -- $(nodes)
  make_data
  for k in "$@"; do
    check_node "$k"
    root=$(node_root "$k")
    rm -rf "$root/var/lib/mysql"
    mkdir -p "$root/var/lib"
    cp -a "$CACHE/data" "$root/var/lib/mysql"
  done
}

# Made once for each version of the server, by one lab while others wait, and only valid when whole.
make_data() {
  local lock
  exec {lock}>"$CACHE.lock"
  flock "$lock"
  make_data_alone
  exec {lock}>&-
}

make_data_alone() {
  local version
  version=$(dpkg-query -W -f '${Version}' mariadb-server)
  [ "$(cat "$CACHE/version" 2>/dev/null)" != "$version" ] || return 0
  rm -rf "$CACHE"
  install -d "$CACHE"
  install -d -o mysql -g mysql -m 750 "$CACHE/data"
  data_sql >"$CACHE/sql"
  mariadb-install-db --no-defaults --user=mysql --datadir="$CACHE/data" --skip-test-db \
    --innodb-log-file-size=32M --extra-file="$CACHE/sql" >"$CACHE/log" 2>&1 ||
    die "mariadb-install-db failed: see $CACHE/log"
  echo "$version" >"$CACHE/version"
}

data_sql() {
  cat <<'SQL'
create database t;
create table t.a(id bigint auto_increment primary key, v bigint, key(v)) engine=InnoDB;
flush privileges;
create user w@'%' identified by 'w';
grant all on t.* to w@'%';
SQL
}

galera_state() {
  is_on "$1" || return 0
  in_node "$1" timeout 5 mariadb -NBe "select group_concat(variable_value order by variable_name desc separator ' ')
    from information_schema.global_status where variable_name in
    ('wsrep_local_state_comment','wsrep_cluster_status','wsrep_cluster_size')" 2>/dev/null || echo -
}

verb_writer() {
  [ $# -ge 2 ] || die "writer HOST[,HOST] SECONDS [RATE]"
  local hosts=$1 k
  shift
  for k in $(nodes); do hosts=$(sed -E "s/\b(node|db)$k\b/$(node_ip "$k")/g" <<<"$hosts"); done
  exec ip netns exec "$SWITCH" /usr/bin/python3 "$HERE/writer.py" "$hosts" "$@"
}
