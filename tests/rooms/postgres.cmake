vigil_unit_test(server_postgres server/postgres DEPS postgres)

vigil_fuzzer(postgres_binary DEPS postgres)

# Against a real PostgreSQL that the tests start themselves, each in a directory of its own.
vigil_unit_test(server_postgres_live server/postgres/live DEPS postgres promql head chunks)
set_tests_properties(unit.server_postgres_live PROPERTIES COST 100
  TIMEOUT 300 RESOURCE_LOCK postgres LABELS "unit;postgres")

if(VIGIL_BENCH)
  add_executable(postgres_bench bench/postgres_bench.cc)
  target_link_libraries(postgres_bench PRIVATE vigil_options vigil_postgres
    vigil_test_sample_series)
  set_target_properties(postgres_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
