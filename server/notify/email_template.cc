// SPDX-License-Identifier: Apache-2.0
// email.default.subject and email.default.html. Mail programs know no style sheets: what a table
// looks like stands in its attributes.
#include "server/notify/default_templates.h"

namespace vigil::notify {

DefaultTemplates EmailTemplates() {
  return {"email.tmpl",
          R"({{ define "email.default.subject" }}{{ template "__subject" . }}{{ end -}}

{{ define "__email_pairs" }}{{ range . -}}
<tr>
<td style="padding: 2px 12px 2px 0; color: #666666; vertical-align: top">{{ .Name }}</td>
<td style="padding: 2px 0; vertical-align: top">{{ .Value }}</td>
</tr>
{{ end }}{{ end -}}

{{ define "__email_alerts" }}{{ range . -}}
<table cellpadding="0" cellspacing="0" style="width: 100%; margin: 0 0 16px 0; font-size: 14px">
<tr><td colspan="2" style="padding: 4px 0 2px 0"><strong>Labels</strong></td></tr>
{{ template "__email_pairs" .Labels.SortedPairs -}}
{{ if .Annotations -}}
<tr><td colspan="2" style="padding: 8px 0 2px 0"><strong>Annotations</strong></td></tr>
{{ template "__email_pairs" .Annotations.SortedPairs -}}
{{ end -}}
<tr><td colspan="2" style="padding: 8px 0 0 0"><a href="{{ .GeneratorURL }}">Source</a></td></tr>
</table>
{{ end }}{{ end -}}

{{ define "email.default.html" -}}
<!DOCTYPE html>
<html>
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width">
<title>{{ template "__subject" . }}</title>
</head>
<body style="margin: 0; padding: 24px 8px; background-color: #f2f3f5; font-family: sans-serif">
<table align="center" cellpadding="0" cellspacing="0" style="width: 100%; max-width: 640px; background-color: #ffffff; border: 1px solid #dddddd">
<tr>
{{ if .Alerts.Firing -}}
<td style="padding: 16px 24px; background-color: #c4302b; color: #ffffff; font-size: 16px">
{{ else -}}
<td style="padding: 16px 24px; background-color: #2e7d32; color: #ffffff; font-size: 16px">
{{ end -}}
{{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}
</td>
</tr>
<tr>
<td style="padding: 16px 24px">
<p style="margin: 0 0 16px 0"><a href="{{ template "__alertmanagerURL" . }}">View in {{ template "__alertmanager" . }}</a></p>
{{ with .Alerts.Firing -}}
<p style="margin: 0 0 8px 0; font-size: 16px"><strong>[{{ len . }}] Firing</strong></p>
{{ template "__email_alerts" . -}}
{{ end -}}
{{ with .Alerts.Resolved -}}
<p style="margin: 0 0 8px 0; font-size: 16px"><strong>[{{ len . }}] Resolved</strong></p>
{{ template "__email_alerts" . -}}
{{ end -}}
</td>
</tr>
<tr>
<td style="padding: 12px 24px; color: #999999; font-size: 12px"><a href="{{ .ExternalURL }}">Sent by {{ template "__alertmanager" . }}</a></td>
</tr>
</table>
</body>
</html>
{{ end -}}
)"};
}

}  // namespace vigil::notify
