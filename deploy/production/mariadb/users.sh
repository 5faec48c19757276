#!/bin/bash
# Run once, by the first node: who copies for a node that joins, who asks for the health check, who measures.
docker_process_sql <<END
CREATE USER 'sst'@'localhost' IDENTIFIED BY '$(cat /run/secrets/mariadb-sst-password)';
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR ON *.* TO 'sst'@'localhost';
CREATE USER 'exporter'@'%' IDENTIFIED BY '$(cat /run/secrets/mariadb-password)' WITH MAX_USER_CONNECTIONS 3;
GRANT PROCESS, REPLICA MONITOR, SLAVE MONITOR, SELECT ON *.* TO 'exporter'@'%';
CREATE USER 'haproxy'@'%';
END
