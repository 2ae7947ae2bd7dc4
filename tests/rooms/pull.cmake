vigil_unit_test(pull client-lib/pull DEPS pull http base LIBS vigil::client prometheus-cpp::core)

# An outside project finds, compiles against and runs with the installed client library.
add_test(NAME script.find_package
  COMMAND ${CMAKE_CURRENT_LIST_DIR}/../scripts/find_package.sh
    ${CMAKE_BINARY_DIR} ${CMAKE_CURRENT_LIST_DIR}/../../client-lib/examples ${CMAKE_CXX_COMPILER})
# A program without the sanitizer cannot load a library with it.
set_tests_properties(script.find_package PROPERTIES TIMEOUT 300 LABELS "script;not_sanitized")
