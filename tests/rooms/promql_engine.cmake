# Roll-ups and summaries of chunks: the engine over the store itself.
vigil_unit_test(promql_stand_ins server/promql/stand_ins DEPS promql storage head chunks
  LIBS vigil_test_fake_backend)
vigil_fuzzer(promql_engine SEEDS DEPS promql)
if(VIGIL_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(promql_bench bench/promql_bench.cc)
  target_link_libraries(promql_bench PRIVATE vigil_options vigil_promql vigil_head
    vigil_test_fake_backend vigil_test_sample_series benchmark::benchmark_main)
  set_target_properties(promql_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
