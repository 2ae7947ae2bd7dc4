#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the client library into a temporary prefix, builds the example against it from an
# outside project, runs it and scrapes it.
# usage: find_package.sh BUILD_DIR EXAMPLES_DIR CXX
set -eu
build=$1 examples=$2 cxx=$3
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

cmake --install "$build" --component client --prefix "$work/prefix" >"$work/install.log"
mkdir "$work/app"
cp "$examples/example_app.cc" "$work/app/"
cat >"$work/app/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.24)
project(outsider LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(Vigil REQUIRED)
add_executable(app example_app.cc)
target_link_libraries(app PRIVATE vigil::client)
CMAKE
# A library built with sanitizers needs a program built with them.
flags=$(sed -n 's/^VIGIL_SANITIZE:[A-Z]*=\(..*\)/-fsanitize=\1/p' "$build/CMakeCache.txt")
cmake -S "$work/app" -B "$work/app/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_FLAGS="$flags" >"$work/cmake.log" 2>&1 ||
  { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/app/build" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

"$work/app/build/app" 127.0.0.1:0 >"$work/url" &
pid=$!
i=0
while [ ! -s "$work/url" ]; do
  i=$((i + 1))
  [ $i -lt 100 ] || { echo "the example did not start"; exit 1; }
  sleep 0.1
done
curl -fsS "$(cat "$work/url")" >"$work/page"
grep -q '^example_jobs_total{kind="small"} [0-9]' "$work/page" || { cat "$work/page"; exit 1; }
kill -TERM "$pid"
wait "$pid"
pid=
echo "find_package(Vigil) works"
