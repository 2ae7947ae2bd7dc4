# The engine's unit tests read from the in-memory store; its fuzzer does too.
target_sources(promql_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support/memory_storage.cc)
vigil_fuzzer(promql_engine DEPS promql)
if(VIGIL_FUZZ)
  target_sources(promql_engine_fuzz PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support/memory_storage.cc)
endif()
if(VIGIL_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(promql_bench bench/promql_bench.cc)
  target_link_libraries(promql_bench PRIVATE vigil_options vigil_promql vigil_head
    vigil_test_fake_backend vigil_test_sample_series benchmark::benchmark_main)
  set_target_properties(promql_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
