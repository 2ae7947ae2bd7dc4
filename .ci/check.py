#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The quick gates of `./dev check`: format, room arrows, vendor headers, file and function size."""
import os
import re
import subprocess
import sys

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def sources():
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "*.h", "*.cc"],
        cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted({f for f in out if f and os.path.exists(os.path.join(ROOT, f))})


def read_rules():
    rooms, groups, vendors = {}, {}, []
    for line in open(os.path.join(ROOT, ".ci/rooms.txt"), encoding="utf-8"):
        line = line.split("#")[0].strip()
        if not line:
            continue
        if line.startswith("vendor "):
            pattern, allowed = line[len("vendor "):].split("->")
            vendors.append((pattern.strip(), allowed.split()))
        elif line.startswith("@"):
            name, members = line.split("=")
            groups[name.strip()] = members.split()
        else:
            room, allowed = line.split(":", 1)
            rooms[room.strip()] = allowed.split()
    for room, allowed in rooms.items():
        rooms[room] = {m for a in allowed for m in groups.get(a, [a])}
    return rooms, vendors


def room_of(path, rooms):
    best = None
    for room in rooms:
        if path.startswith(room + "/") and (best is None or len(room) > len(best)):
            best = room
    return best


def find_cycle(rooms):
    state = {}

    def visit(room, trail):
        if state.get(room) == "done":
            return None
        if room in trail:
            return trail[trail.index(room):] + [room]
        for target in sorted(rooms.get(room, ())):
            if target != "*":
                cycle = visit(target, trail + [room])
                if cycle:
                    return cycle
        state[room] = "done"
        return None

    for room in rooms:
        cycle = visit(room, [])
        if cycle:
            return cycle
    return None


def check_includes(files, rooms, vendors):
    problems = []
    cycle = find_cycle(rooms)
    if cycle:
        problems.append(".ci/rooms.txt: rooms include each other: " + " -> ".join(cycle))
    for file in files:
        room = room_of(file, rooms)
        if room is None:
            problems.append(f"{file}: is in no room of .ci/rooms.txt: add the room or move the file")
            continue
        allowed = rooms[room]
        for number, line in enumerate(open(os.path.join(ROOT, file), encoding="utf-8"), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, target = match.group(1) == '"', match.group(2)
            where = f"{file}:{number}"
            # The public headers are included by the path a user of the library writes.
            on_disk = "client-lib/include/" + target if target.startswith("vigil/") else target
            target_room = room_of(on_disk, rooms)
            if target_room is not None:
                if target_room != room and "*" not in allowed and target_room not in allowed:
                    problems.append(f"{where}: {room} may not include {target_room} ({target}), "
                                    "see .ci/rooms.txt")
                continue
            if quoted and not target.endswith((".pb.h",)):
                problems.append(f'{where}: "{target}" is not a path from the root: write '
                                '#include "room/file.h"')
            for pattern, vendor_rooms in vendors:
                if target.startswith(pattern) and "*" not in allowed and room not in vendor_rooms:
                    problems.append(f"{where}: <{target}> belongs in {', '.join(vendor_rooms)} only")
    return problems


def check_size(files):
    problems = []
    for file in files:
        lines = open(os.path.join(ROOT, file), encoding="utf-8").read().split("\n")
        if len(lines) - 1 > MAX_FILE_LINES:
            problems.append(f"{file}: {len(lines) - 1} lines, more than {MAX_FILE_LINES}: "
                            "find the missing noun and split it out")
        for indent in ("", "  "):
            start = None
            for number, line in enumerate(lines, 1):
                body = line[len(indent):]
                at_level = line.startswith(indent) and body[:1] not in (" ", "")
                if not at_level:
                    continue
                if body == "}":
                    if start is not None and number - start + 1 > MAX_FUNCTION_LINES:
                        name = lines[start - 1].strip()
                        problems.append(f"{file}:{start}: {number - start + 1} lines in one "
                                        f"function, more than {MAX_FUNCTION_LINES}: {name[:70]}")
                    start = None
                elif body[0] in "#/}" or body.startswith(("namespace", "public:", "private:")):
                    start = None
                elif re.match(r"(class|struct|enum|union|switch|extern|using|template|static const"
                              r"|constexpr|inline constexpr)\b", body):
                    start = None
                elif start is None or not lines[number - 2].startswith(indent + "    "):
                    start = number
    return problems


def check_format(files):
    tool = next((t for t in ("clang-format-14", "clang-format") if not subprocess.run(
        ["sh", "-c", f"command -v {t}"], capture_output=True).returncode), None)
    if tool is None:
        return ["clang-format is missing: run ./dev deps"]
    run = subprocess.run([tool, "--dry-run", "--Werror", *files], cwd=ROOT, capture_output=True,
                         text=True)
    bad = sorted({line.split(":")[0] for line in run.stderr.split("\n")
                  if "code should be clang-formatted" in line})
    return [f"{file}: is not formatted: run ./dev fmt" for file in bad]


def check_text(files):
    """Headers say what the file is; nothing unfinished ships."""
    problems = []
    for file in files:
        text = open(os.path.join(ROOT, file), encoding="utf-8").read()
        if not text.startswith("// SPDX-License-Identifier: Apache-2.0\n"):
            problems.append(f"{file}:1: the first line must be the SPDX line")
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                problems.append(f"{file}:{number}: finish it or file an issue: {line.strip()[:80]}")
    return problems


def main():
    files = sources()
    rooms, vendors = read_rules()
    problems = (check_includes(files, rooms, vendors) + check_size(files) + check_text(files) +
                check_format(files))
    for problem in problems:
        print(problem)
    print(f"check: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
