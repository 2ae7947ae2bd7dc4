// SPDX-License-Identifier: Apache-2.0
// A recursive descent over the grammar of RFC 5322, 3.4, without routes and without line folding.
#include "server/notify/mail_address.h"

#include <algorithm>

#include "client-lib/base/strings.h"

namespace vigil::notify {
namespace {

constexpr size_t kMaxComments = 20;  // inside each other

bool IsAtomByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80) return true;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool IsControlByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// a.b.c, nothing empty between the dots.
bool IsDotAtom(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  return text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || IsAtomByte(c); });
}

std::string QuotedLocal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// Threads: owner thread only.
class AddressParser {
 public:
  explicit AddressParser(std::string_view text) : rest_(text) {}

  Result<std::vector<MailAddress>> List() {
    std::vector<MailAddress> list;
    for (;;) {
      TRY(Blank());
      if (Take(',')) continue;
      if (rest_.empty()) break;
      TRY(Entry(&list));
      TRY(Blank());
      if (rest_.empty()) break;
      if (!Take(',')) return BadData("mail: expected comma");
    }
    if (list.empty()) return BadData("mail: no address");
    return list;
  }

 private:
  // An address, or a group of them.
  Result<void> Entry(std::vector<MailAddress>* list) {
    const std::string_view start = rest_;
    // addr-spec first: a name may look like its beginning.
    Result<std::string> plain = AddrSpec();
    if (plain) {
      list->push_back({"", std::move(plain).value()});
      return Ok();
    }
    rest_ = start;
    const std::string name = TRY(Phrase());
    TRY(Blank());
    if (!name.empty() && Take(':')) return Group(list);
    if (!Take('<')) {
      // What was wrong with it as an address says more than that no name is followed by one.
      const bool has_at = start.substr(0, start.find(',')).find('@') != std::string_view::npos;
      if (has_at) return std::move(plain).error();
      return BadData("mail: missing '@' or angle-addr");
    }
    std::string address = TRY(AddrSpec());
    TRY(Blank());
    if (!Take('>')) return BadData("mail: unclosed angle-addr");
    list->push_back({name, std::move(address)});
    return Ok();
  }

  Result<void> Group(std::vector<MailAddress>* list) {
    for (;;) {
      TRY(Blank());
      if (Take(';')) return Ok();
      if (Take(',')) continue;
      if (rest_.empty()) return BadData("mail: unclosed group");
      if (in_group_) return BadData("mail: group in a group");
      in_group_ = true;
      TRY(Entry(list));
      in_group_ = false;
    }
  }

  Result<std::string> AddrSpec() {
    TRY(Blank());
    std::string local;
    if (rest_.starts_with('"')) {
      local = TRY(Quoted());
      if (local.empty()) return BadData("mail: empty quoted string in addr-spec");
    } else {
      local = TRY(DotAtom());
    }
    TRY(Blank());
    if (!Take('@')) return BadData("mail: missing @ in addr-spec");
    TRY(Blank());
    const std::string domain = TRY(Domain());
    return (IsDotAtom(local) ? local : QuotedLocal(local)) + "@" + domain;
  }

  Result<std::string> DotAtom() {
    size_t end = 0;
    while (end < rest_.size() && (rest_[end] == '.' || IsAtomByte(rest_[end]))) ++end;
    const std::string_view atom = rest_.substr(0, end);
    if (!IsDotAtom(atom)) return BadData("mail: no address in " + Quote(rest_.substr(0, 100)));
    rest_.remove_prefix(end);
    return std::string(atom);
  }

  Result<std::string> Domain() {
    if (!rest_.starts_with('[')) {
      Result<std::string> atom = DotAtom();
      if (!atom) return BadData("mail: no domain after @");
      return atom;
    }
    const size_t end = rest_.find(']');
    if (end == std::string_view::npos) return BadData("mail: unclosed domain-literal");
    const std::string literal(rest_.substr(0, end + 1));
    if (std::any_of(literal.begin() + 1, literal.end() - 1,
                    [](char c) { return IsControlByte(c) || c == '[' || c == '\\' || c == ' '; })) {
      return BadData("mail: bad character in domain-literal");
    }
    rest_.remove_prefix(end + 1);
    return literal;
  }

  // Words, quoted or not, with one blank between them.
  Result<std::string> Phrase() {
    std::string phrase;
    for (;;) {
      TRY(Blank());
      std::string word;
      if (rest_.starts_with('"')) {
        word = TRY(Quoted());
      } else {
        // Dots in names are old, and everywhere.
        while (!rest_.empty() && (rest_.front() == '.' || IsAtomByte(rest_.front()))) {
          word += rest_.front();
          rest_.remove_prefix(1);
        }
        if (word.empty()) return phrase;
      }
      if (!phrase.empty()) phrase += ' ';
      phrase += word;
    }
  }

  // REQUIRES: a quote comes next.
  Result<std::string> Quoted() {
    std::string out;
    for (size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (c == '\\' && i + 1 < rest_.size()) c = rest_[++i];
      if (IsControlByte(c) && c != '\t') return BadData("mail: bad character in quoted-string");
      out += c == '\t' ? ' ' : c;
    }
    return BadData("mail: unclosed quoted-string");
  }

  // Blanks and comments.
  Result<void> Blank() {
    for (;;) {
      while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
        rest_.remove_prefix(1);
      }
      if (!rest_.starts_with('(')) return Ok();
      TRY(Comment());
    }
  }

  Result<void> Comment() {
    size_t depth = 0;
    for (size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '\\') {
        ++i;
      } else if (rest_[i] == '(') {
        if (++depth > kMaxComments) break;
      } else if (rest_[i] == ')' && --depth == 0) {
        rest_.remove_prefix(i + 1);
        return Ok();
      }
    }
    return BadData("mail: misformatted parenthetical comment");
  }

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
  bool in_group_ = false;
};

}  // namespace

Result<std::vector<MailAddress>> ParseAddressList(std::string_view text) {
  if (!IsValidUtf8(text)) return BadData("mail: address list is not UTF-8");
  return AddressParser(TrimSpace(text)).List();
}

}  // namespace vigil::notify
