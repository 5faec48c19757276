#!/bin/bash
# Starts a node of the cluster: start.sh NAME. The first one makes the cluster, once; after all have been down, the one that
# was written to last (safe_to_bootstrap in its grastate.dat) makes it again.
set -eu
name=$1
data=/var/lib/mysql
state=$data/grastate.dat

umask 077
cat > /run/mysqld/node.cnf <<END
[galera]
wsrep_node_name = $name
wsrep_node_address = $(hostname -i | cut -d' ' -f1)
wsrep_sst_auth = sst:$(cat /run/secrets/mariadb-sst-password)
END
chown mysql:mysql /run/mysqld/node.cnf

arguments=()
if [ "$name" = database-1 ] && [ ! -e "$state" ]; then
  arguments+=(--wsrep-new-cluster)
elif [ -e "$state" ] && grep -q '^safe_to_bootstrap: 1' "$state"; then
  arguments+=(--wsrep-new-cluster)
fi
# A node that joins gets everything from another: tables of its own would be thrown away.
if [ "$name" != database-1 ]; then
  mkdir -p "$data/mysql"
  chown -R mysql:mysql "$data/mysql"
fi
exec docker-entrypoint.sh mariadbd --defaults-extra-file=/run/mysqld/node.cnf "${arguments[@]}"
