// SPDX-License-Identifier: Apache-2.0
// The page for people: which groups there are, when they were pushed, and how to delete one.
#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "exporters/toolkit/landing_page.h"
#include "pushgateway/page.h"

namespace vigil::pushgateway {
namespace {

using toolkit::HtmlEscape;

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Pushgateway</title>
<style>
body{font-family:system-ui,sans-serif;margin:2rem;max-width:70rem}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #ccc;padding:.4rem;text-align:left;vertical-align:top}
code{background:#eee;border-radius:.2rem;padding:.1rem .3rem}
.bad{color:#a00;font-weight:bold}
</style></head><body>
<h1>Pushgateway</h1>
)";

constexpr std::string_view kScript = R"(<script>
document.querySelectorAll('button[data-path]').forEach(b => b.onclick = async () => {
  if (!confirm('Delete this group?')) return;
  const answer = await fetch(b.dataset.path, {method: 'DELETE'});
  if (answer.ok) location.reload(); else alert(await answer.text());
});
</script>
)";

// Every value in base64: it has no character that a path could not carry.
std::string DeletePath(const GroupingKey& key, std::string_view prefix) {
  const auto segment = [](const std::string& value) {
    std::string text = Base64Encode(value);
    for (char& c : text) {
      if (c == '+') c = '-';
      if (c == '/') c = '_';
    }
    return text.empty() ? std::string("=") : text;
  };
  std::string path = std::string(prefix) + "/metrics/job@base64/" + segment(*key.Find("job"));
  for (const auto& [name, value] : key.labels()) {
    if (name != "job") path += "/" + name + "@base64/" + segment(value);
  }
  return path;
}

void AppendGroup(const Group& group, std::string_view prefix, std::string* out) {
  out->append("<tr><td>");
  for (const auto& [name, value] : group.key.labels()) {
    out->append("<code>" + HtmlEscape(name + "=\"" + value + "\"") + "</code> ");
  }
  out->append("</td><td>");
  out->append(group.push_ms == 0 ? "never" : FormatRfc3339(group.push_ms));
  if (!group.last_push_successful()) out->append("<br><span class=bad>Last push failed!</span>");
  out->append("</td><td>");
  for (const Group::Member& member : group.members) {
    const PushedFamily& family = *member.family;
    out->append("<code>" + HtmlEscape(family.name) + "</code> ");
    out->append(TextTypeName(family.type));
    out->append(", " + std::to_string(family.series.size()) + " series<br>");
  }
  out->append("</td><td><button data-path=\"" + HtmlEscape(DeletePath(group.key, prefix)) +
              "\">Delete group</button></td></tr>\n");
}

}  // namespace

std::string RenderStatusPage(const Snapshot& groups, std::string_view prefix,
                             std::string_view version) {
  std::string out(kHead);
  out += "<p>Version " + HtmlEscape(version) + " &middot; " + std::to_string(groups.size()) +
         " groups</p>";
  out += "<table><tr><th>Group</th><th>Last push</th><th>Metrics</th><th></th></tr>\n";
  for (const GroupPtr& group : groups) AppendGroup(*group, prefix, &out);
  out += "</table>\n";
  out += kScript;
  out += "</body></html>\n";
  return out;
}

}  // namespace vigil::pushgateway
