// SPDX-License-Identifier: Apache-2.0
// Writes block YAML in the layout that upstream's status page has.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::config {

// Threads: owner thread only.
class YamlWriter {
 public:
  explicit YamlWriter(bool show_secrets) : show_secrets_(show_secrets) {}

  // key: value, quoted when it must be.
  void Scalar(std::string_view key, std::string_view value);
  // key: value as it is (numbers, booleans, durations).
  void Verbatim(std::string_view key, std::string_view value);
  void Secret(std::string_view key, std::string_view value);
  // key: [a, b]
  void FlowList(std::string_view key, const std::vector<std::string>& values);
  // key:
  // - a
  void BlockList(std::string_view key, const std::vector<std::string>& values);

  void OpenMap(std::string_view key);
  void CloseMap() { indent_ -= 2; }
  // A list of mappings: OpenList, then per mapping OpenItem, its keys, CloseItem.
  void OpenList(std::string_view key);
  void OpenItem();
  void CloseItem();

  [[nodiscard]] bool show_secrets() const { return show_secrets_; }
  [[nodiscard]] std::string Take() { return std::move(out_); }

 private:
  void Begin(std::string_view key);

  const bool show_secrets_;
  std::string out_;
  size_t indent_ = 0;
  bool dash_ = false;  // the next line starts an item
};

}  // namespace vigil::config
