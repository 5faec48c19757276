{{/*
The pod of one role: dict "root" $ "role" "edge". Files of secrets, no token of the API, nothing writable but an empty
directory of its own.
*/}}
{{- define "parley.pod" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $role := index $values .role -}}
{{- $config := merge (dict) $role.config $values.config -}}
{{- if and (eq .role "edge") $values.ingress.enabled -}}
{{- $proxied := list "PARLEY_TRUSTED_PROXIES" -}}
{{- if $values.ingress.grpcHost }}{{ $proxied = append $proxied "PARLEY_GRPC_TRUSTED_PROXIES" }}{{ end -}}
{{- range $proxied -}}
{{- if not (hasKey $config .) -}}
{{- /* Who comes past the ingress could say that he comes from anywhere. */ -}}
{{- if ne $values.service.type "ClusterIP" -}}
{{- fail (printf "clients come by the ingress, and past it by a service of type %s: set edge.config.%s to how many proxies all of them come by" $values.service.type .) -}}
{{- end -}}
{{- $_ := set $config . "1" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq .role "push") (not $values.push.webhooksSecret) (ne (toString (index $config "PARLEY_PUSH")) "true") -}}
{{- fail "push has nobody to tell: name push.webhooksSecret, or set PARLEY_PUSH" -}}
{{- end -}}
{{- if hasKey $config "PARLEY_METRICS_TLS_CLIENT_CA" -}}
{{- fail "probes of Kubernetes show no certificate: leave PARLEY_METRICS_TLS_CLIENT_CA out, and name readers in networkPolicy.metrics" -}}
{{- end -}}
{{- $scheme := hasKey $config "PARLEY_METRICS_TLS_CERT" | ternary "HTTPS" "HTTP" -}}
metadata:
  labels:
    {{- include "parley.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- if $values.secrets.create }}
    # Pods are made anew when it changes; of a Secret that is there before the chart knows no content.
    checksum/secret: {{ toJson $values.secrets.create | sha256sum }}
    {{- end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "parley.name" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $values.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    fsGroup: 1000
    seccompProfile: { type: RuntimeDefault }
  # preStop, drain, and what is in the database's hands.
  terminationGracePeriodSeconds: {{ add 30 (div $values.drainMs 1000) }}
  topologySpreadConstraints:
    {{- range $key, $unsatisfiable := dict "kubernetes.io/hostname" $values.spread.hosts "topology.kubernetes.io/zone" $values.spread.zones }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $unsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "parley.selector" $root | nindent 10 }}
          app.kubernetes.io/component: {{ $.role }}
      # The old pods of a rolling update count for themselves.
      matchLabelKeys: [{{ if eq $.role "message" }}controller-revision-hash{{ else }}pod-template-hash{{ end }}]
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: parley
      image: {{ include "parley.image" $root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [start, --roles, {{ if eq .role "edge" }}'bridge,connection'{{ else }}{{ .role }}{{ end }}]
      env:
        - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
        - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
        - { name: PARLEY_MODE, value: production }
        - { name: PARLEY_LOG_FORMAT, value: json }
        - { name: PARLEY_NODE_ID, value: $(POD_NAME) }
        - { name: PARLEY_LINK_ADDRESS, value: '$(POD_IP):9505' }
        - { name: PARLEY_HOST, value: 0.0.0.0 }
        - { name: PARLEY_NODE_HOST, value: 0.0.0.0 }
        - { name: PARLEY_LINK_HOST, value: 0.0.0.0 }
        - { name: PARLEY_METRICS_HOST, value: 0.0.0.0 }
        - { name: PARLEY_DRAIN_MS, value: {{ $values.drainMs | int | quote }} }
        {{- range $variable, $key := $values.secrets.keys }}
        - { name: {{ $variable }}_FILE, value: /run/secrets/parley/{{ $key }} }
        {{- end }}
        {{- if $values.linkTls.secret }}
        - { name: PARLEY_LINK_TLS_CERT, value: /run/secrets/link-tls/tls.crt }
        - { name: PARLEY_LINK_TLS_KEY, value: /run/secrets/link-tls/tls.key }
        - { name: PARLEY_LINK_TLS_CA, value: /run/secrets/link-tls/ca.crt }
        {{- end }}
        {{- if and (eq .role "push") $values.push.webhooksSecret }}
        - { name: PARLEY_WEBHOOKS, value: /run/secrets/webhooks/webhooks.json }
        {{- end }}
        {{- range $name, $value := $config }}
        - { name: {{ $name }}, value: {{ $value | toString | quote }} }
        {{- end }}
      ports:
        {{- if eq .role "edge" }}
        - { name: http, containerPort: 9501 }
        - { name: ws, containerPort: 9502 }
        - { name: grpc, containerPort: 9503 }
        - { name: node, containerPort: 9504 }
        {{- end }}
        - { name: link, containerPort: 9505 }
        - { name: metrics, containerPort: 9464 }
      # It is answered once the store is open. Engines that are not there are not waited for: the process ends, and the kubelet
      # starts it again, ever more rarely, for as long as it takes.
      startupProbe:
        httpGet: { path: /livez, port: metrics, scheme: {{ $scheme }} }
        periodSeconds: 2
        failureThreshold: 60
      # An event loop that answers nobody for half a minute.
      livenessProbe:
        httpGet: { path: /livez, port: metrics, scheme: {{ $scheme }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      # All roles are up; a message node may own conversations. No longer once it drains.
      readinessProbe:
        httpGet: { path: /readyz, port: metrics, scheme: {{ $scheme }} }
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      lifecycle:
        preStop:
          # Until everybody who sends users here knows that it goes.
          exec: { command: [sleep, '5'] }
      resources:
        {{- toYaml $role.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: data, mountPath: /var/lib/parley }
        - { name: secrets, mountPath: /run/secrets/parley, readOnly: true }
        {{- if $values.linkTls.secret }}
        - { name: link-tls, mountPath: /run/secrets/link-tls, readOnly: true }
        {{- end }}
        {{- if and (eq .role "push") $values.push.webhooksSecret }}
        - { name: webhooks, mountPath: /run/secrets/webhooks, readOnly: true }
        {{- end }}
  volumes:
    # Nodes of a cluster keep nothing: what must last is in the database.
    - { name: data, emptyDir: { sizeLimit: 64Mi } }
    - name: secrets
      secret:
        secretName: {{ include "parley.secret" $root }}
        defaultMode: 0440
        items:
          {{- range $key := uniq (values $values.secrets.keys | sortAlpha) }}
          - { key: {{ $key }}, path: {{ $key }} }
          {{- end }}
    {{- if $values.linkTls.secret }}
    - name: link-tls
      secret: { secretName: {{ $values.linkTls.secret }}, defaultMode: 0440 }
    {{- end }}
    {{- if and (eq .role "push") $values.push.webhooksSecret }}
    - name: webhooks
      secret:
        secretName: {{ $values.push.webhooksSecret }}
        defaultMode: 0440
        items: [{ key: webhooks.json, path: webhooks.json }]
    {{- end }}
{{- end }}
