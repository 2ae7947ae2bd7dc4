// SPDX-License-Identifier: Apache-2.0
#include "server/notify/default_templates.h"

#include <array>

namespace vigil::notify {
namespace {

constexpr std::string_view kCommon =
    R"({{ define "__alertmanager" }}Alertmanager{{ end -}}
{{ define "__alertmanagerURL" -}}
{{ .ExternalURL }}/#/alerts?receiver={{ urlquery .Receiver }}
{{- end -}}
{{ define "__description" }}{{ end -}}

{{/* [FIRING:2] values of the group's labels (values of the other common labels) */ -}}
{{ define "__subject" -}}
[{{ toUpper .Status }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}]
{{- " " }}{{ join " " .GroupLabels.SortedPairs.Values }}{{ " " -}}
{{ if lt (len .GroupLabels) (len .CommonLabels) -}}
({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ join " " .Values }}{{ end }})
{{- end }}{{ end -}}

{{ define "__annotations" }}{{ join " " .CommonAnnotations.SortedPairs.Values }}{{ end -}}

{{ define "__pairs" }}{{ range . }} - {{ .Name }} = {{ .Value }}
{{ end }}{{ end -}}
{{ define "__text_alert_list" }}{{ range . -}}
Labels:
{{ template "__pairs" .Labels.SortedPairs }}Annotations:
{{ template "__pairs" .Annotations.SortedPairs }}Source: {{ .GeneratorURL }}
{{ end }}{{ end -}}
{{ define "__pairs_markdown" }}{{ range . }}  - {{ .Name }} = {{ .Value }}
{{ end }}
{{ end -}}
{{ define "__text_alert_list_markdown" }}{{ range . }}
Labels:
{{ template "__pairs_markdown" .Labels.SortedPairs }}Annotations:
{{ template "__pairs_markdown" .Annotations.SortedPairs }}Source: {{ .GeneratorURL }}
{{ end }}
{{ end -}}

{{/* The same lists with fewer, more, and more empty lines around them. */ -}}
{{ define "__alerts_dense" }}{{ with .Alerts.Firing }}Alerts Firing:
{{ template "__text_alert_list" . }}{{ end }}
{{ with .Alerts.Resolved }}Alerts Resolved:
{{ template "__text_alert_list" . }}{{ end }}{{ end -}}
{{ define "__alerts_loose" }}
{{ with .Alerts.Firing }}
Alerts Firing:
{{ template "__text_alert_list" . }}
{{ end }}
{{ with .Alerts.Resolved }}
Alerts Resolved:
{{ template "__text_alert_list" . }}
{{ end }}
{{ end -}}
{{ define "__alerts_markdown" }}
{{ with .Alerts.Firing }}
# Alerts Firing:
{{ template "__text_alert_list_markdown" . }}
{{ end }}
{{ with .Alerts.Resolved }}
# Alerts Resolved:
{{ template "__text_alert_list_markdown" . }}
{{ end }}
{{ end -}}
)";

constexpr std::string_view kIncident =
    R"({{ define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end -}}
{{ define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end -}}
{{ define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end -}}
{{ define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end -}}

{{ define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end -}}
{{ define "opsgenie.default.description" }}{{ template "__annotations" . }}
{{ template "__alerts_dense" . }}{{ end -}}
{{ define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end -}}

{{ define "victorops.default.state_message" }}{{ template "__annotations" . }}
{{ template "__alerts_dense" . }}{{ end -}}
{{ define "victorops.default.entity_display_name" }}{{ template "__subject" . }}{{ end -}}
{{ define "victorops.default.monitoring_tool" }}{{ template "__alertmanager" . }}{{ end -}}

{{ define "sns.default.subject" }}{{ template "__subject" . }}{{ end -}}
{{ define "sns.default.message" -}}
{{ template "__annotations" . }}{{ template "__alerts_loose" . }}
{{- end -}}

{{ define "jira.default.summary" }}{{ template "__subject" . }}{{ end -}}
{{ define "jira.default.description" }}{{ template "__alerts_markdown" . }}{{ end -}}
{{/* The highest severity among those that fire, else among those that have ended. */ -}}
{{ define "jira.default.priority" -}}
{{ $alerts := .Alerts.Firing }}{{ $best := "" -}}
{{ range $pass := stringSlice "firing" "resolved" }}{{ if eq $best "" -}}
{{ if eq $pass "resolved" }}{{ $alerts = $.Alerts.Resolved }}{{ end -}}
{{ range $alerts }}{{ $severity := index .Labels "severity" -}}
{{ if eq $severity "critical" }}{{ $best = "High" }}{{ end -}}
{{ if and (eq $severity "warning") (ne $best "High") }}{{ $best = "Medium" }}{{ end -}}
{{ if and (eq $severity "info") (eq $best "") }}{{ $best = "Low" }}{{ end -}}
{{ end }}{{ end }}{{ end }}{{ $best }}{{ end -}}
)";

constexpr std::string_view kChat =
    R"({{ define "slack.default.title" }}{{ template "__subject" . }}{{ end -}}
{{ define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end -}}
{{ define "slack.default.fallback" -}}
{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}
{{- end -}}
{{ define "slack.default.callbackid" }}{{ end -}}
{{ define "slack.default.pretext" }}{{ end -}}
{{ define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end -}}
{{ define "slack.default.iconemoji" }}{{ end -}}
{{ define "slack.default.iconurl" }}{{ end -}}
{{ define "slack.default.text" }}{{ end -}}
{{ define "slack.default.footer" }}{{ end -}}

{{ define "wechat.default.message" }}{{ template "__subject" . }}
{{ template "__annotations" . }}
{{ template "__alerts_dense" . }}
AlertmanagerUrl:
{{ template "__alertmanagerURL" . }}{{ end -}}
{{ define "wechat.default.to_user" }}{{ end -}}
{{ define "wechat.default.to_party" }}{{ end -}}
{{ define "wechat.default.to_tag" }}{{ end -}}
{{ define "wechat.default.agent_id" }}{{ end -}}

{{ define "pushover.default.title" }}{{ template "__subject" . }}{{ end -}}
{{ define "pushover.default.message" -}}
{{ template "__annotations" . }}{{ template "__alerts_loose" . }}
{{- end -}}
{{ define "pushover.default.url" }}{{ template "__alertmanagerURL" . }}{{ end -}}

{{ define "telegram.default.message" }}{{ template "__alerts_loose" . }}{{ end -}}

{{ define "discord.default.content" }}{{ end -}}
{{ define "discord.default.title" }}{{ template "__subject" . }}{{ end -}}
{{ define "discord.default.message" }}{{ template "__alerts_loose" . }}{{ end -}}

{{ define "webex.default.message" -}}
{{ template "__annotations" . }}{{ template "__alerts_loose" . }}
{{- end -}}

{{ define "msteams.default.summary" }}{{ template "__subject" . }}{{ end -}}
{{ define "msteams.default.title" }}{{ template "__subject" . }}{{ end -}}
{{ define "msteams.default.text" }}{{ template "__alerts_markdown" . }}{{ end -}}
{{ define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end -}}
{{ define "msteamsv2.default.text" }}{{ template "__alerts_markdown" . }}{{ end -}}

{{ define "rocketchat.default.title" }}{{ template "__subject" . }}{{ end -}}
{{ define "rocketchat.default.alias" }}{{ template "__alertmanager" . }}{{ end -}}
{{ define "rocketchat.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end -}}
{{ define "rocketchat.default.emoji" }}{{ end -}}
{{ define "rocketchat.default.iconurl" }}{{ end -}}
{{ define "rocketchat.default.text" }}{{ end -}}

{{ define "mattermost.default.username" }}{{ template "__alertmanager" . }}{{ end -}}
{{ define "mattermost.default.text" }}{{ template "__alerts_markdown" . }}{{ end -}}
)";

}  // namespace

std::span<const DefaultTemplates> BuiltInTemplates() {
  static const std::array kFiles = {
      DefaultTemplates{"common.tmpl", kCommon},
      EmailTemplates(),
      DefaultTemplates{"incident.tmpl", kIncident},
      DefaultTemplates{"chat.tmpl", kChat},
  };
  return kFiles;
}

}  // namespace vigil::notify
