# keepalived beside a gateway's nginx, in its network: built in deploy/keepalived. Its scripts belong to root, since
# keepalived runs none that somebody else could change.
FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends keepalived curl gettext-base bsdutils \
 && rm -rf /var/lib/apt/lists/*
COPY --chmod=0755 check notify /usr/libexec/parley-gateway/
COPY keepalived.conf.in /etc/keepalived/
# What the variables make of the template is written to where nothing lasts.
ENTRYPOINT ["/bin/sh", "-c", "envsubst < /etc/keepalived/keepalived.conf.in > /run/keepalived.conf && exec keepalived --dont-fork --log-console --use-file /run/keepalived.conf"]
