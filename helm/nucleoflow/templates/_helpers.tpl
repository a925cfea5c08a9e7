{{/* Labels of every object; the argument is the root context. */}}
{{- define "nucleoflow.labels" -}}
{{ include "nucleoflow.selectorLabels" . }}
app.kubernetes.io/part-of: nucleoflow
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "nucleoflow.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "nucleoflow.workflowAccount" -}}
{{- default (printf "%s-workflow" .Values.name) .Values.serviceAccounts.workflow.name -}}
{{- end -}}

{{- define "nucleoflow.launcherAccount" -}}
{{- default (printf "%s-launcher" .Values.name) .Values.serviceAccounts.launcher.name -}}
{{- end -}}

{{/* Reference of an image as `nucleoflow.profile.model.Images.reference` makes it; the argument is
     a list of the root context and the image's name. */}}
{{- define "nucleoflow.image" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $images := $root.Values.images -}}
{{- if hasKey $images.override $name -}}
{{- get $images.override $name -}}
{{- else -}}
{{- $tag := default $root.Chart.AppVersion $images.tag -}}
{{- if has $name (list "deepmd" "lammps-plumed") -}}{{- $tag = printf "%s-%s" $tag $images.variant -}}{{- end -}}
{{- printf "%s/%s:%s" $images.repository $name $tag -}}
{{- end -}}
{{- end -}}

{{/* Labels of the pods of the S3 server of this chart. */}}
{{- define "nucleoflow.seaweedfsLabels" -}}
app.kubernetes.io/name: seaweedfs
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: seaweedfs-all-in-one
{{- end -}}

{{/* Address of the object store as pods see it. */}}
{{- define "nucleoflow.s3Endpoint" -}}
{{- if .Values.objectStore.endpoint -}}
{{- .Values.objectStore.endpoint -}}
{{- else -}}
{{- printf "http://%s-s3.%s.svc:8333" .Values.name .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{/* host[:port] of the object store. */}}
{{- define "nucleoflow.s3Host" -}}
{{- (include "nucleoflow.s3Endpoint" . | urlParse).host -}}
{{- end -}}

{{- define "nucleoflow.s3Port" -}}
{{- $url := include "nucleoflow.s3Endpoint" . | urlParse -}}
{{- if contains ":" $url.host -}}
{{- splitList ":" $url.host | last -}}
{{- else -}}
{{- ternary "443" "80" (eq $url.scheme "https") -}}
{{- end -}}
{{- end -}}

{{/* Secret with the pods' credential; empty with workload identity. */}}
{{- define "nucleoflow.s3Secret" -}}
{{- if not .Values.objectStore.workloadIdentity -}}
{{- default (printf "%s-s3" .Values.name) .Values.objectStore.credentialsSecret -}}
{{- end -}}
{{- end -}}

{{/* Whether this chart makes the credential, for the S3 server it installs. */}}
{{- define "nucleoflow.generatesCredential" -}}
{{- if and .Values.seaweedfs.enabled (not .Values.objectStore.endpoint) (not .Values.objectStore.credentialsSecret) -}}true{{- end -}}
{{- end -}}

{{/* Environment by which nucleops.storage finds the store; the argument is a dict with `root` and,
     for another credential than the pods' own, `secret`, `accessKey` and `secretKey`. */}}
{{- define "nucleoflow.s3Environment" -}}
{{- $root := .root -}}
{{- $secret := default (include "nucleoflow.s3Secret" $root) .secret -}}
- name: NUCLEOFLOW_S3_ENDPOINT
  value: {{ include "nucleoflow.s3Endpoint" $root | quote }}
- name: NUCLEOFLOW_S3_REGION
  value: {{ $root.Values.objectStore.region | quote }}
- name: NUCLEOFLOW_S3_PATH_STYLE
  value: {{ $root.Values.objectStore.pathStyle | quote }}
{{- if $root.Values.objectStore.caConfigMap }}
- name: NUCLEOFLOW_S3_CA_FILE
  value: /etc/nucleoflow/s3-ca/ca.crt
{{- end }}
{{- if $secret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ default "accessKey" .accessKey }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ default "secretKey" .secretKey }}
{{- end }}
{{- end -}}

{{/* Pod and container security of the Pod Security level "restricted", for the chart's own pods. */}}
{{- define "nucleoflow.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "nucleoflow.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What every pod of the chart's own has beside its container: the scripts, room to write, the
     store's certificate authority. */}}
{{- define "nucleoflow.podVolumes" -}}
- name: scripts
  configMap:
    name: {{ .Values.name }}-scripts
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.objectStore.caConfigMap }}
- name: s3-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- end -}}

{{- define "nucleoflow.podMounts" -}}
- name: scripts
  mountPath: /opt/nucleoflow
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if .Values.objectStore.caConfigMap }}
- name: s3-ca
  mountPath: /etc/nucleoflow/s3-ca
  readOnly: true
{{- end }}
{{- end -}}

{{/* Scheduling of the chart's own pods. */}}
{{- define "nucleoflow.podScheduling" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.jobs.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.jobs.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Combinations of values that the schema cannot refuse, each with its path and what to do. */}}
{{- define "nucleoflow.refuseContradictions" -}}
{{- $store := .Values.objectStore -}}
{{- if and (not .Values.seaweedfs.enabled) (not $store.endpoint) -}}
{{- fail "objectStore.endpoint: needed when seaweedfs.enabled is false; give the address of your S3 server, as https://s3.example.org" -}}
{{- end -}}
{{- if and .Values.seaweedfs.enabled $store.endpoint -}}
{{- fail "objectStore.endpoint: set although seaweedfs.enabled is true; leave it empty, or switch the S3 server of this chart off" -}}
{{- end -}}
{{- if and .Values.seaweedfs.enabled $store.workloadIdentity -}}
{{- fail "objectStore.workloadIdentity: the S3 server of this chart knows no workload identity; set it to false, or seaweedfs.enabled to false" -}}
{{- end -}}
{{- if and (not .Values.seaweedfs.enabled) (not $store.workloadIdentity) (not $store.credentialsSecret) -}}
{{- fail "objectStore.credentialsSecret: needed for a store of your own; name a Secret with the keys accessKey and secretKey, or set objectStore.workloadIdentity" -}}
{{- end -}}
{{- if and $store.workloadIdentity $store.credentialsSecret -}}
{{- fail "objectStore.credentialsSecret: set although objectStore.workloadIdentity is true; choose one" -}}
{{- end -}}
{{- if ne (empty $store.caConfigMap) (empty $store.caSecret) -}}
{{- fail "objectStore.caSecret: pods read the authority from objectStore.caConfigMap and Argo from objectStore.caSecret; give both or neither" -}}
{{- end -}}
{{- if and .Values.seaweedfs.enabled $store.credentialsSecret -}}
{{- fail "objectStore.credentialsSecret: the S3 server of this chart has a credential that is generated and kept in a Secret; leave it empty" -}}
{{- end -}}
{{- end -}}
