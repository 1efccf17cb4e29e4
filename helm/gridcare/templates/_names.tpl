{{- define "gridcare.name" -}}
{{- /* 52: a StatefulSet appends a revision to it in a label of at most 63. */ -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "gridcare.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .Values.role }}
{{- end -}}

{{- define "gridcare.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "gridcare.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: gridcare
{{- end -}}

{{- define "gridcare.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "gridcare.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "gridcare.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{- /* The ports are the product's own defaults, so that a capture or a log reads the same everywhere. */ -}}
{{- define "gridcare.grpcPort" -}}{{ eq .Values.role "gateway" | ternary 7500 7400 }}{{- end -}}
{{- define "gridcare.httpPort" -}}{{ get (dict "node" 7401 "gateway" 7501 "courier" 7482) .Values.role }}{{- end -}}

{{- /* The file the process reads: the operator's part, and what the chart knows better. Secrets are not in it: they come as
       files and as variables. */ -}}
{{- define "gridcare.config" -}}
{{- $http := printf "0.0.0.0:%s" (include "gridcare.httpPort" .) -}}
{{- $ours := dict -}}
{{- if eq .Values.role "courier" -}}
{{- $_ := set $ours "listen" (dict "http" $http) -}}
{{- $_ := set $ours "client_tls" (dict "cert" "/etc/gridcare/tls/tls.crt" "key" "/etc/gridcare/tls/tls.key" "ca" "/etc/gridcare/tls/ca.crt") -}}
{{- if .Values.bounces.claim -}}
{{- $_ := set $ours "email" (dict "bounces" "/var/lib/gridcare/bounces") -}}
{{- end -}}
{{- if and (contains "/etc/gridcare/keys/" (toYaml .Values.config)) (not .Values.keys.secret) -}}
{{- fail "keys.secret: name the secret whose keys the configuration has as /etc/gridcare/keys/KEY" -}}
{{- end -}}
{{- else -}}
{{- $_ := set $ours "listen" (dict "grpc" (printf "0.0.0.0:%s" (include "gridcare.grpcPort" .)) "http" $http) -}}
{{- $_ := set $ours "tls" (dict "cert" "/etc/gridcare/tls/tls.crt" "key" "/etc/gridcare/tls/tls.key" "client_ca" "/etc/gridcare/tls/ca.crt") -}}
{{- $_ := set $ours "database" (dict "max_connections" (int .Values.database.maxConnections)) -}}
{{- if .Values.database.embedded -}}
{{- $_ := set $ours.database "url" "sqlite:///var/lib/gridcare/gridcare.sqlite" -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.role "gateway" -}}
{{- $_ := set $ours "client_tls" (dict "cert" "/etc/gridcare/client-tls/tls.crt" "key" "/etc/gridcare/client-tls/tls.key" "ca" "/etc/gridcare/client-tls/ca.crt") -}}
{{- else if eq .Values.role "node" -}}
{{- $_ := set $ours "keys" (dict "pseudonym" "@/etc/gridcare/keys/pseudonym" "unique" "@/etc/gridcare/keys/unique" "unique_id" .Values.keys.uniqueId) -}}
{{- end -}}
{{- mergeOverwrite (deepCopy .Values.config) $ours | toYaml -}}
{{- end -}}
