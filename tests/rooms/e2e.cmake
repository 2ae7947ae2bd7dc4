# End-to-end tests: one ctest per file, each starts its own programs on free ports. They wait more
# than they work, so several run at once, the longest first. What is about SQL and files of JSON
# runs little code of ours and stays out of the sanitized lane.
set(VIGIL_LONG_E2E api api_v2 faults kill main_job rollup rules write_path)
set(VIGIL_UNSANITIZED_E2E dashboards decoders sql)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
file(GLOB e2e_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/e2e/*_test.py)
foreach(test IN LISTS e2e_tests)
  get_filename_component(name ${test} NAME_WE)
  string(REPLACE "_test" "" name ${name})
  add_test(NAME e2e.${name} COMMAND ${Python3_EXECUTABLE} ${test})
  set_tests_properties(e2e.${name} PROPERTIES
    LABELS e2e TIMEOUT 600 COST 10
    ENVIRONMENT "VIGIL_BIN_DIR=${CMAKE_BINARY_DIR}/bin;VIGIL_PEERS_DIR=${PROJECT_SOURCE_DIR}/build/peers")
  if(name IN_LIST VIGIL_LONG_E2E)
    set_tests_properties(e2e.${name} PROPERTIES COST 100)
  endif()
  if(name IN_LIST VIGIL_UNSANITIZED_E2E)
    set_tests_properties(e2e.${name} PROPERTIES LABELS "e2e;not_sanitized")
  endif()
endforeach()
