vigil_unit_test(server_chunks server/chunks HEAVY DEPS chunks LIBS vigil_test_sample_series
  vigil_test_sample_histograms vigil_test_slow_decoder)
vigil_fuzzer(chunk_decode DEPS chunks test_slow_decoder)
vigil_fuzzer(journal_page DEPS chunks)

add_library(vigil_test_slow_decoder STATIC support/slow_decoder.cc support/slow_histograms.cc)
target_link_libraries(vigil_test_slow_decoder PUBLIC vigil_options vigil_chunks)
if(NOT TARGET vigil_test_sample_histograms)
  add_library(vigil_test_sample_histograms STATIC support/sample_histograms.cc)
  target_link_libraries(vigil_test_sample_histograms PUBLIC vigil_options vigil_model)
endif()
if(NOT TARGET vigil_test_sample_series)
  add_library(vigil_test_sample_series STATIC support/sample_series.cc)
  target_link_libraries(vigil_test_sample_series PUBLIC vigil_options vigil_model)
endif()

if(VIGIL_BENCH)
  find_package(benchmark REQUIRED)
  add_executable(chunks_bench bench/chunks_bench.cc)
  target_link_libraries(chunks_bench PRIVATE vigil_options vigil_chunks vigil_test_sample_series
    vigil_test_sample_histograms
    benchmark::benchmark_main)
  set_target_properties(chunks_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
