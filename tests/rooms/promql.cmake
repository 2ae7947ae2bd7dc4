# Unit tests of both halves of the room, the parser's fuzzer, and the PromQL scripts.
vigil_unit_test(promql server/promql DEPS promql storage model base LIBS fmt::fmt)
vigil_fuzzer(promql_parser SEEDS DEPS promql)
vigil_fuzzer(series_line SEEDS DEPS promql)

# The script runner: a library so that it can be tested itself, and a binary.
vigil_room(COLD NAME promqltest
  SOURCES
    ${CMAKE_CURRENT_SOURCE_DIR}/support/promqltest/comparison.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/support/promqltest/nhcb_load.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/support/promqltest/runner.cc
    ${CMAKE_CURRENT_SOURCE_DIR}/support/promqltest/script.cc
  DEPS promql storage model base
  PRIVATE_DEPS fmt::fmt PkgConfig::RE2)
vigil_binary(NAME promqltest NO_INSTALL
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/promqltest/main.cc
  DEPS promqltest)
vigil_unit_test(promqltest support/promqltest DEPS promqltest)

file(GLOB promql_scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/scripts/promql/*.test)
foreach(script IN LISTS promql_scripts)
  get_filename_component(name ${script} NAME_WE)
  add_test(NAME script.promql.${name} COMMAND promqltest ${script})
  set_tests_properties(script.promql.${name} PROPERTIES TIMEOUT 60 LABELS script)
endforeach()
