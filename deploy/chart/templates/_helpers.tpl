{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "weir.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "weir.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{- define "weir.selectorLabels" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "weir.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "weir.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/part-of: weir
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weir.metadata" -}}
name: {{ include "weir.fullname" . }}
namespace: {{ include "weir.namespace" . }}
labels:
  {{- include "weir.labels" . | nindent 2 }}
{{- end -}}

{{- define "weir.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "weir.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "weir.image" -}}
{{- $image := .Values.image.repository -}}
{{- if .Values.image.registry }}{{ $image = printf "%s/%s" .Values.image.registry $image }}{{ end -}}
{{- if .Values.image.digest -}}
{{ $image }}@{{ .Values.image.digest }}
{{- else -}}
{{ $image }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Heap limit in megabytes: three quarters of the memory limit. The rest is for buffers, code and the addon. */}}
{{- define "weir.heap" -}}
{{- $limit := dig "limits" "memory" "" .Values.resources | toString -}}
{{- if hasSuffix "Gi" $limit -}}
{{- mul (trimSuffix "Gi" $limit | int) 768 -}}
{{- else if hasSuffix "Mi" $limit -}}
{{- div (mul (trimSuffix "Mi" $limit | int) 3) 4 -}}
{{- end -}}
{{- end -}}

{{/* The configuration file: .Values.config merged over the settings that follow from other values. */}}
{{- define "weir.config" -}}
{{- $web := dict "listen-address" (list (printf ":%v" .Values.port)) -}}
{{- if .Values.web.configSecret }}{{ $_ := set $web "config" (dict "file" "/etc/weir/web/web-config.yml") }}{{ end -}}
{{- $derived := dict "web" $web "pod-end" (ternary "always" "never" .Values.podEnd.enabled) -}}
{{- if .Values.kubernetes.enabled -}}
{{- $_ := set $derived "kubernetes" (dict "enabled" true "cilium" (ternary "always" "never" .Values.kubernetes.cilium)) -}}
{{- end -}}
{{- mergeOverwrite $derived (deepCopy .Values.config) | toYaml -}}
{{- end -}}

{{/* With a password or TLS the kubelet's GET would be refused, so the probe only checks that the port answers. */}}
{{- define "weir.probe" -}}
{{- if .root.Values.web.configSecret -}}
tcpSocket:
  port: metrics
{{- else -}}
httpGet:
  path: {{ .path }}
  port: metrics
{{- end }}
{{ toYaml .probe }}
{{- end -}}

{{/* The user's relabelings, then one that sets the target label `node`. */}}
{{- define "weir.relabelings" -}}
{{- with .relabelings }}
{{ toYaml . }}
{{- end }}
- sourceLabels: [__meta_kubernetes_pod_node_name]
  targetLabel: node
{{- end -}}
