// SPDX-License-Identifier: Apache-2.0
// A text that many alerts have in common, held once.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace vigil::alerting {

// Immutable; copies share it. Threads: any.
class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string_view text)  // NOLINT(google-explicit-constructor): it is a text
      : text_(text.empty() ? nullptr : std::make_shared<const std::string>(text)) {}
  SharedText(const std::string& text)  // NOLINT(google-explicit-constructor)
      : SharedText(std::string_view(text)) {}
  SharedText(const char* text)  // NOLINT(google-explicit-constructor)
      : SharedText(std::string_view(text)) {}

  // Valid as long as any copy.
  [[nodiscard]] std::string_view view() const {
    return text_ == nullptr ? std::string_view() : std::string_view(*text_);
  }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool empty() const { return text_ == nullptr; }
  bool operator==(const SharedText& other) const {
    return text_ == other.text_ || view() == other.view();
  }
  bool operator==(std::string_view other) const { return view() == other; }
  bool operator==(const char* other) const { return view() == other; }

 private:
  std::shared_ptr<const std::string> text_;  // null: empty
};

inline std::ostream& operator<<(std::ostream& out, const SharedText& text) {
  return out << text.view();
}

}  // namespace vigil::alerting
