#!/bin/bash
# Starts a node of the cluster: start.sh NAME. The first one makes the cluster, where there is none; after all have been
# down, the one that was written to last (safe_to_bootstrap in its grastate.dat) makes it again.
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

# Whether another one is there, by the port that they talk to each other on. After a restart of the machine all of them
# are only starting.
others() {
  for _ in 1 2 3 4 5; do
    for other in database-1 database-2 database-3; do
      [ "$other" = "$name" ] && continue
      timeout 2 bash -c "exec 3<>/dev/tcp/$other/4567" 2> /dev/null && return 0
    done
    sleep 1
  done
  return 1
}

arguments=()
founding=
if [ -e "$state" ]; then
  ! grep -q '^safe_to_bootstrap: 1' "$state" || arguments+=(--wsrep-new-cluster)
# A first one that has lost its data is not the first: a second, empty cluster would be the one that everybody is sent to.
elif [ "$name" = database-1 ] && ! others; then
  founding=yes
  arguments+=(--wsrep-new-cluster)
fi
# A node that joins gets everything from another: tables of its own would be thrown away.
if [ -z "$founding" ]; then
  mkdir -p "$data/mysql"
  chown -R mysql:mysql "$data/mysql"
fi
exec docker-entrypoint.sh mariadbd --defaults-extra-file=/run/mysqld/node.cnf "${arguments[@]}"
