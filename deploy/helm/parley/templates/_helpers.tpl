{{- define "parley.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "parley.selector" -}}
app.kubernetes.io/name: parley
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "parley.labels" -}}
{{ include "parley.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "parley.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "parley.secret" -}}
{{- if .Values.secrets.create -}}
{{ include "parley.name" . }}
{{- else -}}
{{ required "secrets.existing must name a Secret with the keys of secrets.keys (or secrets.create has them, for a try)" .Values.secrets.existing }}
{{- end -}}
{{- end }}

{{/* The names of the workloads there are. */}}
{{- define "parley.roles" -}}
edge message group{{ if .Values.push.enabled }} push{{ end }}
{{- end }}
