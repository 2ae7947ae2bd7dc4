// SPDX-License-Identifier: Apache-2.0
// One small page without scripts or outside resources.
#include "exporters/toolkit/landing_page.h"

namespace vigil::toolkit {
namespace {

constexpr std::string_view kStyle =
    "body{font-family:system-ui,sans-serif;margin:0;color:#222}"
    "header{background:#1f3a5f;color:#fff;padding:1px 2em}"
    "main{margin:2em}a{color:#1f5fa8}li{margin:.4em 0}"
    "@media(prefers-color-scheme:dark){body{background:#181a1b;color:#ddd}a{color:#7ab8ff}}";

}  // namespace

std::string HtmlEscape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string LandingPage::Render(const std::string& prefix) const {
  const std::string name = HtmlEscape(title);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      name + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n<header><h1>" +
      name + "</h1></header>\n<main>\n<p>" + HtmlEscape(description) + "</p>\n";
  if (!version.empty()) out += "<p>Version: " + HtmlEscape(version) + "</p>\n";
  out += "<ul>\n";
  for (const LandingLink& link : links) {
    const std::string address = (link.address.starts_with('/') ? prefix : "") + link.address;
    out += "<li><a href=\"" + HtmlEscape(address) + "\">" + HtmlEscape(link.text) + "</a>";
    if (!link.description.empty()) out += " &ndash; " + HtmlEscape(link.description);
    out += "</li>\n";
  }
  return out + "</ul>\n</main>\n</body>\n</html>\n";
}

}  // namespace vigil::toolkit
