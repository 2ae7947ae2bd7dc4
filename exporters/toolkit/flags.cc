// SPDX-License-Identifier: Apache-2.0
// Boost.Program_options splits the words of the command line; what they mean is here.
#include "exporters/toolkit/flags.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "client-lib/base/strings.h"
#include "client-lib/model/duration.h"
#include "client-lib/model/float_text.h"

namespace vigil::toolkit {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kArguments =
    "arguments";  // how the parser marks words that are no flags
constexpr size_t kHelpColumn = 31;
constexpr size_t kHelpWidth = 80;

using GivenFlags = std::vector<std::pair<std::string, std::string>>;

std::string Indented(const std::string& left, std::string_view help) {
  std::string out = left;
  if (left.size() + 1 < kHelpColumn) {
    out.append(kHelpColumn - left.size(), ' ');
  } else {
    out.append("\n").append(kHelpColumn, ' ');
  }
  size_t column = kHelpColumn;
  for (const std::string_view word : Fields(help)) {
    if (column > kHelpColumn && column + 1 + word.size() > kHelpWidth) {
      out.append("\n").append(kHelpColumn, ' ');
      column = kHelpColumn;
    } else if (column > kHelpColumn) {
      out += ' ';
      ++column;
    }
    out.append(word);
    column += word.size();
  }
  return out + "\n";
}

Error BadValue(std::string_view name, std::string_view reason) {
  return BadData("flag '--" + std::string(name) + "': " + std::string(reason));
}

}  // namespace

struct FlagSet::Flag::Row {
  std::string name;
  std::string help;
  std::string shown_default;  // as --help writes it: quoted for texts
  std::string placeholder;
  std::string group;
  char letter = '\0';
  bool is_bool = false;
  bool repeatable = false;
  bool hidden = false;
  bool given = false;
  std::function<Result<void>(std::string_view)> parse;
  std::function<std::string()> text;

  [[nodiscard]] std::string HelpName() const {
    std::string out = letter != '\0' ? std::string("  -") + letter + ", --" : "      --";
    if (is_bool) return out + (name == "help" || name == "version" ? "" : "[no-]") + name;
    out += name + "=" + (placeholder.empty() ? shown_default : placeholder);
    return repeatable ? out + " ..." : out;
  }
};

FlagSet::Flag& FlagSet::Flag::Hidden() {
  row_->hidden = true;
  return *this;
}
FlagSet::Flag& FlagSet::Flag::Placeholder(std::string_view text) {
  row_->placeholder = std::string(text);
  return *this;
}
FlagSet::Flag& FlagSet::Flag::Short(char letter) {
  row_->letter = letter;
  return *this;
}
FlagSet::Flag& FlagSet::Flag::Group(std::string_view heading) {
  row_->group = std::string(heading);
  return *this;
}

FlagSet::FlagSet(std::string program, std::string description)
    : program_(std::move(program)), description_(std::move(description)) {
  const auto nothing = [](std::string_view) { return Ok(); };
  Row* help = Declare("help", "Show this help.", "", nothing).row_;
  help->letter = 'h';
  help->is_bool = true;
  for (const char* name : {"help-long", "help-man"}) {
    Row* row = Declare(name, "Show this help.", "", nothing).row_;
    row->is_bool = row->hidden = true;
  }
  Row* version = Declare("version", "Show the version.", "", nothing).row_;
  version->is_bool = true;
}

FlagSet::~FlagSet() = default;

FlagSet::Flag FlagSet::Declare(std::string_view name, std::string_view help,
                               std::string default_text,
                               std::function<Result<void>(std::string_view)> parse) {
  CHECK(Find(name) == nullptr);
  auto row = std::make_unique<Row>();
  row->name = std::string(name);
  row->help = std::string(help);
  row->shown_default = std::move(default_text);
  row->parse = std::move(parse);
  row->text = [value = row->shown_default] { return value; };
  Flag flag;
  flag.row_ = row.get();
  rows_.push_back(std::move(row));
  return flag;
}

FlagSet::Flag FlagSet::String(std::string_view name, std::string_view help, std::string* target) {
  Flag flag = Declare(name, help, Quote(*target), [target](std::string_view text) {
    *target = std::string(text);
    return Ok();
  });
  flag.row_->text = [target] { return *target; };
  return flag;
}

FlagSet::Flag FlagSet::Strings(std::string_view name, std::string_view help,
                               std::vector<std::string>* target) {
  Flag flag = Declare(name, help, Join(*target, ","), nullptr);
  Row* row = flag.row_;
  row->repeatable = true;
  row->parse = [target, row](std::string_view text) {
    if (!row->given) target->clear();
    target->emplace_back(text);
    return Ok();
  };
  row->text = [target] { return Join(*target, ","); };
  return flag;
}

FlagSet::Flag FlagSet::Enum(std::string_view name, std::string_view help,
                            std::vector<std::string> choices, std::string* target) {
  const std::string full_help = std::string(help) + " One of: [" + Join(choices, ", ") + "]";
  const auto parse = [choices = std::move(choices), target,
                      key = std::string(name)](std::string_view text) -> Result<void> {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return BadValue(key, "enum value must be one of " + Join(choices, ",") + ", got '" +
                               std::string(text) + "'");
    }
    *target = std::string(text);
    return Ok();
  };
  Flag flag = Declare(name, full_help, *target, parse);
  flag.row_->text = [target] { return *target; };
  return flag;
}

FlagSet::Flag FlagSet::Bool(std::string_view name, std::string_view help, bool* target) {
  Flag flag = Declare(name, help, "", [target](std::string_view text) {
    *target = text == "true";
    return Ok();
  });
  flag.row_->is_bool = true;
  flag.row_->text = [target] { return std::string(*target ? "true" : "false"); };
  return flag;
}

FlagSet::Flag FlagSet::Int(std::string_view name, std::string_view help, int64_t* target) {
  const auto parse = [target, key = std::string(name)](std::string_view text) -> Result<void> {
    const std::optional<int64_t> value = ParseInt(text);
    if (!value) return BadValue(key, "expected a whole number, got " + Quote(text));
    *target = *value;
    return Ok();
  };
  Flag flag = Declare(name, help, std::to_string(*target), parse);
  flag.row_->text = [target] { return std::to_string(*target); };
  return flag;
}

FlagSet::Flag FlagSet::Float(std::string_view name, std::string_view help, double* target) {
  const auto parse = [target, key = std::string(name)](std::string_view text) -> Result<void> {
    const std::optional<double> value = ParseFloat(text);
    if (!value) return BadValue(key, "expected a number, got " + Quote(text));
    *target = *value;
    return Ok();
  };
  Flag flag = Declare(name, help, FormatFloatG(*target), parse);
  flag.row_->text = [target] { return FormatFloatG(*target); };
  return flag;
}

FlagSet::Flag FlagSet::Duration(std::string_view name, std::string_view help, int64_t* target_ms) {
  const auto parse = [target_ms, key = std::string(name)](std::string_view text) -> Result<void> {
    *target_ms = TRY_CONTEXT(ParseDuration(text), "flag '--" + key + "'");
    return Ok();
  };
  Flag flag = Declare(name, help, FormatDuration(*target_ms), parse);
  flag.row_->text = [target_ms] { return FormatDuration(*target_ms); };
  return flag;
}

FlagSet::Flag FlagSet::Bytes(std::string_view name, std::string_view help, uint64_t* target) {
  const auto parse = [target, key = std::string(name)](std::string_view text) -> Result<void> {
    *target = TRY_CONTEXT(ParseByteSize(text), "flag '--" + key + "'");
    return Ok();
  };
  Flag flag = Declare(name, help, std::to_string(*target) + "B", parse);
  flag.row_->text = [target] { return std::to_string(*target) + "B"; };
  return flag;
}

FlagSet::Flag FlagSet::Custom(std::string_view name, std::string_view help,
                              std::string default_text,
                              std::function<Result<void>(std::string_view)> parse) {
  Flag flag = Declare(name, help, std::move(default_text), nullptr);
  Row* row = flag.row_;
  row->repeatable = true;
  const auto given = std::make_shared<std::vector<std::string>>();
  row->parse = [given, parse = std::move(parse)](std::string_view text) -> Result<void> {
    TRY(parse(text));
    given->emplace_back(text);
    return Ok();
  };
  row->text = [given, value = row->shown_default] {
    return given->empty() ? value : Join(*given, ",");
  };
  return flag;
}

void FlagSet::Arguments(std::string_view name, std::string_view help,
                        std::vector<std::string>* target) {
  arguments_name_ = std::string(name);
  arguments_help_ = std::string(help);
  arguments_ = target;
}

void FlagSet::SetVersion(std::string text) { version_ = std::move(text); }

FlagSet::Row* FlagSet::Find(std::string_view name) const {
  for (const auto& row : rows_) {
    if (row->name == name) return row.get();
  }
  return nullptr;
}

namespace {

// Words to (name, value) pairs in their order. Boost's messages become kingpin's.
Result<GivenFlags> SplitWords(const po::options_description& known,
                              const std::vector<std::string>& words) {
  namespace style = po::command_line_style;
  po::positional_options_description rest;
  rest.add(std::string(kArguments).c_str(), -1);
  GivenFlags given;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(words)
            .options(known)
            .positional(rest)
            .style(style::allow_long | style::long_allow_adjacent | style::long_allow_next |
                   style::allow_short | style::allow_dash_for_short | style::short_allow_next)
            .run();
    for (const po::option& option : parsed.options) {
      given.emplace_back(option.string_key, option.value.empty() ? "" : option.value.front());
    }
  } catch (const po::unknown_option& e) {
    std::string name = e.get_option_name();
    name.resize(std::min(name.find('='), name.size()));
    return BadData((name.starts_with("--") ? "unknown long flag '" : "unknown short flag '") +
                   name + "'");
  } catch (const po::invalid_command_line_syntax& e) {
    return BadData("expected argument for flag '" + e.get_option_name() + "'");
  } catch (const std::exception& e) {
    return BadData(e.what());
  }
  return given;
}

}  // namespace

Result<FlagSet::Outcome> FlagSet::Parse(const std::vector<std::string>& args) {
  po::options_description known;
  for (const auto& row : rows_) {
    const std::string name =
        row->letter == '\0' ? row->name : row->name + "," + std::string(1, row->letter);
    if (row->is_bool) {
      known.add_options()(name.c_str(), "")(("no-" + row->name).c_str(), "");
    } else {
      known.add_options()(name.c_str(), po::value<std::vector<std::string>>(), "");
    }
  }
  known.add_options()(std::string(kArguments).c_str(), po::value<std::vector<std::string>>(), "");
  std::vector<std::string> words;
  for (const std::string& arg : args) {
    // `--name=` is an empty value and `--switch=x` a stray word; Boost refuses both in its own way.
    const size_t equal = arg.starts_with("--") ? arg.find('=') : std::string::npos;
    const Row* row = equal == std::string::npos ? nullptr : Find(arg.substr(2, equal - 2));
    if (equal != std::string::npos &&
        (equal + 1 == arg.size() || (row != nullptr && row->is_bool))) {
      words.push_back(arg.substr(0, equal));
      words.push_back(arg.substr(equal + 1));
    } else {
      words.push_back(arg);
    }
  }
  const GivenFlags given = TRY(SplitWords(known, words));
  for (const auto& [name, value] : given) {
    if (name.starts_with("help")) return Outcome::kHelp;
    if (name == "version") return Outcome::kVersion;
  }
  TRY(Apply(given));
  return Outcome::kRun;
}

Result<void> FlagSet::Apply(const GivenFlags& given) {
  for (const auto& [name, value] : given) {
    if (name == kArguments) {
      if (arguments_ == nullptr) return BadData("unexpected " + value);
      arguments_->push_back(value);
      continue;
    }
    Row* row = Find(name);
    const bool negated = row == nullptr && name.starts_with("no-");
    if (negated) row = Find(std::string_view(name).substr(3));
    CHECK(row != nullptr);
    if (row->given && !row->repeatable) {
      return BadData("flag '" + row->name + "' cannot be repeated");
    }
    TRY(row->parse(row->is_bool ? (negated ? "false" : "true") : value));
    row->given = true;
  }
  return Ok();
}

void FlagSet::ParseOrExit(int argc, const char* const* argv) {
  const Result<Outcome> outcome = Parse(argc > 1 ? std::vector<std::string>(argv + 1, argv + argc)
                                                 : std::vector<std::string>());
  if (!outcome) {
    std::fprintf(stderr, "%s: error: %s, try --help\n", program_.c_str(),
                 outcome.error().message.c_str());
    std::exit(1);
  }
  if (*outcome == Outcome::kRun) return;
  const std::string text = *outcome == Outcome::kHelp ? HelpText() : version_;
  std::fputs(text.c_str(), stdout);
  if (!text.ends_with('\n')) std::fputc('\n', stdout);
  std::exit(0);
}

std::string FlagSet::HelpText() const {
  std::string out = "usage: " + program_ + " [<flags>]";
  if (arguments_ != nullptr) out += " [<" + arguments_name_ + ">...]";
  out += "\n\n" + description_ + "\n";
  std::vector<std::string> groups = {""};
  for (const auto& row : rows_) {
    if (!row->hidden && std::find(groups.begin(), groups.end(), row->group) == groups.end()) {
      groups.push_back(row->group);
    }
  }
  for (const std::string& group : groups) {
    out += "\n" + (group.empty() ? "Flags" : group) + ":\n";
    for (const auto& row : rows_) {
      if (!row->hidden && row->group == group) out += Indented(row->HelpName(), row->help);
    }
  }
  if (arguments_ != nullptr) {
    out += "\nArgs:\n" + Indented("  [<" + arguments_name_ + ">]", arguments_help_);
  }
  return out;
}

bool FlagSet::WasGiven(std::string_view name) const {
  const Row* row = Find(name);
  return row != nullptr && row->given;
}

std::vector<std::pair<std::string, std::string>> FlagSet::Values() const {
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& row : rows_) {
    if (row->name.starts_with("help") || row->name == "version") continue;
    values.emplace_back(row->name, row->text());
  }
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace vigil::toolkit
