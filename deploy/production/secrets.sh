#!/bin/sh
# Makes the secrets that compose.yaml hands to its containers, in the directory "secrets" beside it. What is there stays:
# run it again after an upgrade. Keep the directory, and a copy of master-keys elsewhere: without it nothing that is stored
# can be read by anybody. The certificate is for a try: docs/deployment.md says how the one of your name comes in.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
# Containers get file by file, and read them as users of their own; on this machine the directory keeps others out.
chmod 0700 secrets

make() {
  [ -s "secrets/$1" ] && return
  printf '%s' "$2" > "secrets/$1"
  echo "made secrets/$1"
}

make token-secret "$(openssl rand -hex 48)"
make master-keys "1:$(openssl rand -hex 32)"
make cluster-token "$(openssl rand -hex 32)"
make mariadb-password "$(openssl rand -hex 24)"
make mariadb-root-password "$(openssl rand -hex 24)"
make mariadb-sst-password "$(openssl rand -hex 24)"
make redis-password "$(openssl rand -hex 24)"
make elastic-password "$(openssl rand -hex 24)"
make kibana-password "$(openssl rand -hex 24)"
make grafana-password "$(openssl rand -hex 16)"
make mysql-url "mysql://parley:$(cat secrets/mariadb-password)@database:3306/parley"
make redis-url "redis://:$(cat secrets/redis-password)@redis:6379"
make exporter-mysql.cnf "$(printf '[client]\nuser=exporter\npassword=%s\n' "$(cat secrets/mariadb-password)")"
if [ ! -s secrets/tls-key.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 \
    -subj '/CN=chat.example.org' -addext 'subjectAltName=DNS:chat.example.org,DNS:localhost,IP:172.30.0.100,IP:127.0.0.1' \
    -keyout secrets/tls-key.pem -out secrets/tls-cert.pem 2>/dev/null
  echo 'made secrets/tls-cert.pem, signed by itself: for a try'
fi
chmod 0444 secrets/*
