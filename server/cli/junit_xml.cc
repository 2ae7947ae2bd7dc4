// SPDX-License-Identifier: Apache-2.0
#include "server/cli/junit_xml.h"

#include <fmt/format.h>

#include <string_view>

namespace vigil::cli {
namespace {

// What XML does not allow at all becomes the replacement character.
std::string XmlText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
        out += "&#xA;";
        break;
      case '\t':
        out += "&#x9;";
        break;
      case '\r':
        out += "&#xD;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\xef\xbf\xbd";
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace

std::string JunitXml(const std::vector<JunitSuite>& suites) {
  std::string out = "<testsuites>";
  for (const JunitSuite& suite : suites) {
    size_t failures = 0;
    size_t errors = 0;
    for (const JunitCase& one : suite.cases) {
      failures += one.failures.size();
      errors += one.error.empty() ? 0 : 1;
    }
    out += fmt::format(
        R"(<testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="0" timestamp="{}">)",
        XmlText(suite.name), suite.cases.size(), failures, errors, XmlText(suite.timestamp));
    for (const JunitCase& one : suite.cases) {
      out += fmt::format(R"(<testcase name="{}">)", XmlText(one.name));
      for (const std::string& failure : one.failures) {
        out += "<failure>" + XmlText(failure) + "</failure>";
      }
      if (!one.error.empty()) out += "<error>" + XmlText(one.error) + "</error>";
      out += "</testcase>";
    }
    out += "</testsuite>";
  }
  return out + "</testsuites>";
}

}  // namespace vigil::cli
