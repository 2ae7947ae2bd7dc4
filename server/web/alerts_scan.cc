// SPDX-License-Identifier: Apache-2.0
// See alerts_scan.h.
#include "server/web/alerts_scan.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "server/web/alerting_bodies.h"
#include "server/web/date_time.h"

namespace vigil::web {
namespace {

using alerting::AlertText;

// The high bit of the first byte that is a quote or a backslash, and maybe of some behind it.
uint64_t QuotesOrEscapes(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  constexpr uint64_t kHigh = 0x8080808080808080ULL;
  const uint64_t quotes = word ^ kOnes * '"';
  const uint64_t escapes = word ^ kOnes * '\\';
  return (((quotes - kOnes) & ~quotes) | ((escapes - kOnes) & ~escapes)) & kHigh;
}

// Finds the borders of JSON values that are well formed.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  [[nodiscard]] const char* at() const { return at_; }
  // Behind blanks.
  bool Take(char c) {
    SkipBlanks();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  // What stands between the quotes, as it stands there.
  bool TakeString(std::string_view* inside) {
    if (!Take('"')) return false;
    const char* const begin = at_;
    while (FindQuoteOrEscape()) {
      if (*at_ == '"') {
        *inside = {begin, static_cast<size_t>(at_ - begin)};
        ++at_;
        return true;
      }
      if (end_ - at_ < 2) return false;
      at_ += 2;
    }
    return false;
  }
  // An object without another one or an array in it.
  bool SkipFlatObject() {
    if (!Take('{')) return false;
    std::string_view inside;
    while (at_ != end_) {
      if (*at_ == '"') {
        if (!TakeString(&inside)) return false;
        continue;
      }
      if (*at_ == '{' || *at_ == '[' || *at_ == ']') return false;
      if (*at_++ == '}') return true;
    }
    return false;
  }

 private:
  void SkipBlanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool FindQuoteOrEscape() {
    for (; end_ - at_ >= 8; at_ += 8) {
      uint64_t word = 0;
      std::memcpy(&word, at_, 8);
      if (const uint64_t found = QuotesOrEscapes(word); found != 0) {
        at_ += std::countr_zero(found) / 8;
        return true;
      }
    }
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
    return at_ != end_;
  }

  const char* at_;
  const char* const end_;
};

// A time, and what it was read from: most alerts of a body have it in common.
class TimeReader {
 public:
  // Empty: there is none. False when it must be read with care.
  bool Read(std::string_view text, std::optional<TimestampMs>* out) {
    if (!known_ || text != text_) {
      if (text.find('\\') != std::string_view::npos) return false;
      const Result<TimestampMs> time = ParseDateTime(text);
      if (!time) return false;
      text_ = text;
      known_ = true;
      time_ = *time == kZeroTime ? std::nullopt : std::optional(*time);
    }
    *out = time_;
    return true;
  }

 private:
  bool known_ = false;
  std::string_view text_;
  std::optional<TimestampMs> time_;
};

// Scans alerts one after the other.
class AlertScanner {
 public:
  AlertScanner(std::string_view body, uint64_t seed) : cursor_(body), seed_(seed) {}

  bool Scan(std::vector<AlertText>* texts) {
    if (!cursor_.Take('[')) return false;
    do {
      if (texts->size() == kMaxPostedAlerts || !ScanAlert(&texts->emplace_back())) return false;
    } while (cursor_.Take(','));
    return cursor_.Take(']');
  }

 private:
  bool ScanAlert(AlertText* text) {
    if (!cursor_.Take('{')) return false;
    masked_.clear();
    masked_from_ = cursor_.at();
    bool has_start = false;
    bool has_end = false;
    do {
      std::string_view name;
      if (!cursor_.TakeString(&name) || !cursor_.Take(':')) return false;
      if (name == "labels" || name == "annotations") {
        if (!cursor_.SkipFlatObject()) return false;
      } else if (name == "startsAt") {
        if (std::exchange(has_start, true) || !ScanTime(&starts_, &text->starts_at)) return false;
      } else if (name == "endsAt") {
        if (std::exchange(has_end, true) || !ScanTime(&ends_, &text->ends_at)) return false;
      } else if (name == "generatorURL") {
        if (!cursor_.TakeString(&name)) return false;
      } else {
        return false;  // names of any case are members, too
      }
    } while (cursor_.Take(','));
    if (!cursor_.Take('}')) return false;
    Mask(cursor_.at());
    text->key = alerting::KeyOfText(masked_, seed_);
    return true;
  }

  // The value is left out of the text.
  bool ScanTime(TimeReader* reader, std::optional<TimestampMs>* out) {
    std::string_view time;
    if (!cursor_.TakeString(&time)) return false;
    Mask(time.data());
    masked_from_ = time.data() + time.size();
    return reader->Read(time, out);
  }
  void Mask(const char* until) {
    masked_.append(masked_from_, static_cast<size_t>(until - masked_from_));
  }

  TextCursor cursor_;
  const uint64_t seed_;
  TimeReader starts_, ends_;
  std::string masked_;  // the text of the alert so far, without times
  const char* masked_from_ = nullptr;
};

}  // namespace

bool AlertsScan::Read(std::string_view body) {
  texts_.clear();
  if (AlertScanner(body, seed_).Scan(&texts_)) return true;
  texts_.clear();
  return false;
}

}  // namespace vigil::web
