vigil_unit_test(server_head server/head HEAVY DEPS head LIBS vigil_test_sample_series
  vigil_test_sample_histograms)

if(VIGIL_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(head_bench bench/head_bench.cc)
  target_link_libraries(head_bench PRIVATE vigil_options vigil_head vigil_test_fake_backend
    vigil_test_sample_series benchmark::benchmark_main)
  set_target_properties(head_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
