vigil_unit_test(server_scrape server/scrape DEPS scrape discovery config http exposition storage)
vigil_fuzzer(scrape_cache DEPS scrape)

if(VIGIL_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(scrape_bench bench/scrape_bench.cc)
  target_link_libraries(scrape_bench PRIVATE vigil_options vigil_scrape GTest::gtest
    benchmark::benchmark_main)
  set_target_properties(scrape_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
