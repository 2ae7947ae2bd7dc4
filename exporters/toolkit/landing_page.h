// SPDX-License-Identifier: Apache-2.0
// The page at `/` of an exporter: what it is, its version, and where to click.
#pragma once

#include <string>
#include <vector>

namespace vigil::toolkit {

struct LandingLink {
  std::string address;  // "/metrics"
  std::string text;     // "Metrics"
  std::string description;
};

struct LandingPage {
  std::string title;        // "Node Exporter"
  std::string description;  // one sentence
  std::string version;
  std::vector<LandingLink> links;

  // All texts are escaped. Addresses get the prefix in front when they begin with a slash.
  [[nodiscard]] std::string Render(const std::string& prefix = {}) const;
};

std::string HtmlEscape(std::string_view text);

}  // namespace vigil::toolkit
