// SPDX-License-Identifier: Apache-2.0
// Command line flags with the behaviour of upstream's (kingpin): --flag=value, --flag value,
// --[no-]switch, repeatable flags, --help, -h, --version.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/base/result.h"

namespace vigil::toolkit {

// Flags bound to variables: the value a variable has when its flag is declared is the default.
//   flags.String("config.file", "Configuration file path.", &options.config_file);
// Threads: owner thread only; const methods any after parsing.
class FlagSet {
 public:
  // What a declaration returns, for the rare extras.
  class Flag {
   public:
    Flag& Hidden();                            // not in --help
    Flag& Placeholder(std::string_view text);  // --web.external-url=<URL>; hides the default
    Flag& Short(char letter);                  // -h
    Flag& Group(std::string_view heading);     // listed under a heading of its own

   private:
    friend class FlagSet;
    Flag() = default;
    struct Row;
    Row* row_ = nullptr;
  };

  // program: as in `usage: <program> [<flags>]`.
  FlagSet(std::string program, std::string description);
  ~FlagSet();
  FlagSet(const FlagSet&) = delete;
  FlagSet& operator=(const FlagSet&) = delete;

  // name without dashes. The targets must outlive the FlagSet.
  Flag String(std::string_view name, std::string_view help, std::string* target);
  // Repeatable: the first one given replaces the defaults.
  Flag Strings(std::string_view name, std::string_view help, std::vector<std::string>* target);
  Flag Enum(std::string_view name, std::string_view help, std::vector<std::string> choices,
            std::string* target);
  // --name and --no-name.
  Flag Bool(std::string_view name, std::string_view help, bool* target);
  Flag Int(std::string_view name, std::string_view help, int64_t* target);
  Flag Float(std::string_view name, std::string_view help, double* target);
  // Prometheus durations (15d, 1h30m), in milliseconds.
  Flag Duration(std::string_view name, std::string_view help, int64_t* target_ms);
  // Sizes with a unit (512MB).
  Flag Bytes(std::string_view name, std::string_view help, uint64_t* target);
  // Anything else: parse is given each value in turn; default_text is for --help and Values().
  Flag Custom(std::string_view name, std::string_view help, std::string default_text,
              std::function<Result<void>(std::string_view)> parse);
  // Words that are no flags; without this they are refused.
  void Arguments(std::string_view name, std::string_view help, std::vector<std::string>* target);
  // Text of --version.
  void SetVersion(std::string text);

  enum class Outcome { kRun, kHelp, kVersion };
  // args without the program's name. bad_data with upstream's words: `unknown long flag '--x'`,
  // `expected argument for flag '--x'`, `unexpected x`.
  Result<Outcome> Parse(const std::vector<std::string>& args);
  // Parse for main(): prints help or version on stdout and exits 0; prints
  // `<program>: error: ...` on stderr and exits 1.
  void ParseOrExit(int argc, const char* const* argv);

  [[nodiscard]] std::string HelpText() const;
  [[nodiscard]] const std::string& VersionText() const { return version_; }
  // Given on the command line (as --x or --no-x), not merely defaulted.
  [[nodiscard]] bool WasGiven(std::string_view name) const;
  // Every flag, sorted by name, with its value as text: for /api/v1/status/flags.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Values() const;

 private:
  using Row = Flag::Row;
  Flag Declare(std::string_view name, std::string_view help, std::string default_text,
               std::function<Result<void>(std::string_view)> parse);
  [[nodiscard]] Row* Find(std::string_view name) const;
  Result<void> Apply(const std::vector<std::pair<std::string, std::string>>& given);

  std::string program_;
  std::string description_;
  std::string version_;
  std::vector<std::unique_ptr<Row>> rows_;
  std::string arguments_name_;
  std::string arguments_help_;
  std::vector<std::string>* arguments_ = nullptr;
};

// The flags every binary's web side has.
struct WebFlags {
  explicit WebFlags(std::string default_address) : listen_addresses{std::move(default_address)} {}

  std::vector<std::string> listen_addresses;  // --web.listen-address, repeatable
  std::string config_file;                    // --web.config.file
  bool systemd_socket = false;                // --web.systemd-socket: refused when given
  std::string telemetry_path = "/metrics";    // --web.telemetry-path
  std::string external_url;                   // --web.external-url
  std::string route_prefix;                   // --web.route-prefix; normalised: "" or "/a/b"

  // web.listen-address, web.config.file, web.systemd-socket (hidden).
  void AddTo(FlagSet* flags);
  void AddTelemetryPathTo(FlagSet* flags);
  // web.external-url, web.route-prefix.
  void AddPrefixTo(FlagSet* flags);
  // After parsing: the prefix from the external URL's path when not given; leading slash, no
  // trailing one. bad_data on a URL that is none.
  Result<void> Normalise();
};

// log.level, log.format.
struct LogFlags {
  std::string level = "info";
  std::string format = "logfmt";
  void AddTo(FlagSet* flags);
};

}  // namespace vigil::toolkit
