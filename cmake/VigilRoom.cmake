# What every target has in common, and vigil_room(): one static library per room.

find_package(Threads REQUIRED)
add_library(vigil_options INTERFACE)
# Everywhere, for the precompiled header is only of use to files compiled with the same flags.
# RE2 asks for -pthread.
target_link_libraries(vigil_options INTERFACE Threads::Threads)
target_compile_options(vigil_options INTERFACE -pthread)
target_include_directories(vigil_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_options(vigil_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers
  # Nobody replaces functions of ours at run time: g++ may inline what a static library exports.
  $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>
  # Go rounds every operation: a fused multiply-add would change the last bit of results.
  -ffp-contract=off
  $<$<BOOL:${VIGIL_WERROR}>:-Werror>
  # Several files as one unit: g++ then takes the headers' rule, that nothing of an anonymous
  # namespace is part of a type, for files as well.
  $<$<CXX_COMPILER_ID:GNU>:$<$<BOOL:${CMAKE_UNITY_BUILD}>:-Wno-subobject-linkage>>
  # g++ 12 sees overlapping copies in std::string's operator+ (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wno-gnu-zero-variadic-macro-arguments>
  # A precompiled header that ccache gives back may be older than a header that an upgrade of the
  # system has written again as it was: contents count, not times.
  "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
if(VIGIL_SANITIZE)
  target_compile_options(vigil_options INTERFACE
    -fsanitize=${VIGIL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(vigil_options INTERFACE -fsanitize=${VIGIL_SANITIZE})
  # With sanitizers g++ 12 sees frees of what short strings keep in place.
  target_compile_options(vigil_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-free-nonheap-object>)
endif()
# What the fuzzers are guided by: in rooms and fuzzers, not in tests, the fuzzer's main only where a
# fuzz target asks for it.
add_library(vigil_coverage INTERFACE)
if(VIGIL_FUZZ)
  target_compile_options(vigil_coverage INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(vigil_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(VIGIL_LLD ld.lld)
if(VIGIL_LLD)
  target_link_options(vigil_options INTERFACE -fuse-ld=lld)
endif()

if(VIGIL_PCH)
  # One precompiled header for all: the standard headers that nearly every file includes.
  set(VIGIL_PCH_HEADERS
    <algorithm> <atomic> <chrono> <condition_variable> <cstdint> <deque> <functional> <map>
    <memory> <mutex> <optional> <span> <string> <string_view> <thread> <unordered_map> <utility>
    <variant> <vector>)
  file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "")
  add_library(vigil_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
  target_link_libraries(vigil_pch PRIVATE vigil_options vigil_coverage)
  target_precompile_headers(vigil_pch PRIVATE ${VIGIL_PCH_HEADERS})
  if(VIGIL_COLD_OPTIONS)
    # One more, for it has to be compiled with the flags of what uses it.
    add_library(vigil_cold_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
    target_link_libraries(vigil_cold_pch PRIVATE vigil_options vigil_coverage)
    target_compile_options(vigil_cold_pch PRIVATE ${VIGIL_COLD_OPTIONS})
    target_precompile_headers(vigil_cold_pch PRIVATE ${VIGIL_PCH_HEADERS})
  endif()
endif()

# vigil_use_pch(target [COLD]): COLD compiles the target with VIGIL_COLD_OPTIONS.
function(vigil_use_pch target)
  set(pch vigil_pch)
  if("COLD" IN_LIST ARGN AND VIGIL_COLD_OPTIONS)
    target_compile_options(${target} PRIVATE ${VIGIL_COLD_OPTIONS})
    set(pch vigil_cold_pch)
  endif()
  if(VIGIL_PCH)
    target_precompile_headers(${target} REUSE_FROM ${pch})
  endif()
endfunction()

# vigil_room(NAME server_promql SOURCES a.cc b.cc DEPS storage_room ... [PRIVATE_DEPS PkgA::a])
# The library is vigil_<NAME>. DEPS are rooms (without the vigil_ prefix): the same arrows as
# .ci/rooms.txt. PRIVATE_DEPS are vendor libraries that only this room sees. COLD: nothing in it runs
# per sample, or for long in a fuzzer; presets with sanitizers, where optimising is most of what
# compiling costs, leave it out there.
function(vigil_room)
  cmake_parse_arguments(ROOM "COLD" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target vigil_${ROOM_NAME})
  if(ROOM_SOURCES)
    add_library(${target} STATIC ${ROOM_SOURCES})
    target_link_libraries(${target} PUBLIC vigil_options
      PRIVATE vigil_coverage ${ROOM_PRIVATE_DEPS})
    if(ROOM_COLD)
      vigil_use_pch(${target} COLD)
    else()
      vigil_use_pch(${target})
    endif()
    foreach(dep IN LISTS ROOM_DEPS)
      target_link_libraries(${target} PUBLIC vigil_${dep})
    endforeach()
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE vigil_options ${ROOM_PRIVATE_DEPS})
    foreach(dep IN LISTS ROOM_DEPS)
      target_link_libraries(${target} INTERFACE vigil_${dep})
    endforeach()
  endif()
endfunction()

# vigil_binary(NAME vigil-server SOURCES main.cc DEPS rooms...)
function(vigil_binary)
  cmake_parse_arguments(BIN "NO_INSTALL" "NAME" "SOURCES;DEPS" ${ARGN})
  add_executable(${BIN_NAME} ${BIN_SOURCES})
  target_link_libraries(${BIN_NAME} PRIVATE vigil_options)
  target_compile_options(${BIN_NAME} PRIVATE ${VIGIL_COLD_OPTIONS})
  foreach(dep IN LISTS BIN_DEPS)
    target_link_libraries(${BIN_NAME} PRIVATE vigil_${dep})
  endforeach()
  if(NOT BIN_NO_INSTALL)
    install(TARGETS ${BIN_NAME} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()
