// SPDX-License-Identifier: Apache-2.0
// vigilctl: what promtool and amtool do, for Vigil. Adding a command is a row of the table.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/toolkit/version.h"
#include "server/cli/command.h"
#include "server/cli/import.h"
#include "server/cli/query.h"

namespace {

using Args = std::vector<std::string>;

struct Command {
  std::string_view words;
  std::string_view help;
  int (*run)(const Args& args);
};

constexpr std::array kCommands = {
    Command{"check config", "Check if the config files are valid or not.",
            vigil::cli::RunCheckConfig},
    Command{"import", "Send a file of samples with timestamps to a server.", vigil::cli::RunImport},
    Command{"query instant", "Run instant query.",
            [](const Args& args) { return vigil::cli::RunQuery("instant", args); }},
    Command{"query range", "Run range query.",
            [](const Args& args) { return vigil::cli::RunQuery("range", args); }},
    Command{"query explain", "Run a query and show what each part of it costs.",
            [](const Args& args) { return vigil::cli::RunQuery("explain", args); }},
    Command{"query running", "List the queries that run.",
            [](const Args& args) { return vigil::cli::RunQuery("running", args); }},
    Command{"query cancel", "End a query that runs.",
            [](const Args& args) { return vigil::cli::RunQuery("cancel", args); }},
    Command{"query series", "Run series query.",
            [](const Args& args) { return vigil::cli::RunQuery("series", args); }},
    Command{"query labels", "Run labels query.",
            [](const Args& args) { return vigil::cli::RunQuery("labels", args); }},
};

void PrintUsage(std::FILE* to) {
  std::fputs("usage: vigilctl <command> [<flags>] [<args> ...]\n\n", to);
  for (const Command& command : kCommands) {
    std::fprintf(to, "  %-16s %s\n", std::string(command.words).c_str(),
                 std::string(command.help).c_str());
  }
  std::fputs("\nvigilctl <command> --help lists the flags.\n", to);
}

}  // namespace

int main(int argc, char** argv) {
  const Args args(argv + 1, argv + argc);
  if (!args.empty() && args[0] == "--version") {
    std::printf("vigilctl, version %s\n", std::string(vigil::toolkit::Version()).c_str());
    return 0;
  }
  const bool help = !args.empty() && (args[0] == "--help" || args[0] == "-h" || args[0] == "help");
  for (const Command& command : kCommands) {
    const size_t space = command.words.find(' ');
    const size_t count = space == std::string_view::npos ? 1 : 2;
    if (args.size() < count || args[0] != command.words.substr(0, space)) continue;
    if (count == 2 && args[1] != command.words.substr(space + 1)) continue;
    return command.run(Args(args.begin() + static_cast<std::ptrdiff_t>(count), args.end()));
  }
  PrintUsage(help ? stdout : stderr);
  return help ? 0 : 1;
}
