// SPDX-License-Identifier: Apache-2.0
// Reading of mountinfo.
#include "exporters/node/parse/mountinfo.h"

#include "client-lib/base/strings.h"
#include "exporters/node/text_scan.h"

namespace vigil::node {
namespace {

// The kernel writes blank, tab, newline and backslash as \ooo.
std::string Unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && is_octal(text[i + 1]) &&
        is_octal(text[i + 2]) && is_octal(text[i + 3])) {
      out.push_back(static_cast<char>(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) |
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool HasOption(std::string_view options, std::string_view wanted) {
  for (const std::string_view option : Split(options, ',')) {
    if (option == wanted) return true;
  }
  return false;
}

Result<Mount> ParseLine(std::string_view line) {
  const Error bad =
      BadData("mountinfo: cannot read line \"" + std::string(line.substr(0, 120)) + "\"");
  FieldScanner fields(line);
  std::string_view id, parent, device_number, root, mount_point, options, field;
  if (!fields.Next(&id) || !fields.Next(&parent) || !fields.Next(&device_number) ||
      !fields.Next(&root) || !fields.Next(&mount_point) || !fields.Next(&options)) {
    return bad;
  }
  // Any number of optional fields, then a lone dash.
  do {
    if (!fields.Next(&field)) return bad;
  } while (field != "-");
  // The source may be empty: then the line has two blanks in a row, and one word less.
  const std::string_view rest = fields.rest();
  const std::vector<std::string_view> tail = Split(rest.empty() ? rest : rest.substr(1), ' ');
  const size_t colon = device_number.find(':');
  if (tail.size() < 3 || colon == std::string_view::npos) return bad;
  Mount mount;
  mount.fs_type = tail[0];
  mount.device = tail[1];
  mount.mount_point = Unescape(mount_point);
  mount.major = device_number.substr(0, colon);
  mount.minor = device_number.substr(colon + 1);
  mount.read_only = HasOption(options, "ro") || HasOption(tail[2], "ro");
  return mount;
}

}  // namespace

Result<std::vector<Mount>> ParseMountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  LineScanner lines(text);
  std::string_view line;
  while (lines.Next(&line)) {
    if (!TrimLine(line).empty()) mounts.push_back(TRY(ParseLine(line)));
  }
  return mounts;
}

}  // namespace vigil::node
