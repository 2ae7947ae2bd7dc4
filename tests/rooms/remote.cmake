vigil_unit_test(server_remote server/remote HEAVY DEPS remote promqltest
  LIBS Snappy::snappy vigil_test_sample_histograms vigil_test_slow_tsdb_chunks vigil_test_otlp_json)
vigil_fuzzer(remote_write DEPS remote)
vigil_fuzzer(remote_read DEPS remote test_slow_tsdb_chunks)
vigil_fuzzer(otlp SEEDS DEPS remote test_otlp_json)

add_library(vigil_test_slow_tsdb_chunks STATIC support/slow_tsdb_chunks.cc)
target_link_libraries(vigil_test_slow_tsdb_chunks PUBLIC vigil_options vigil_model)

add_library(vigil_test_otlp_json STATIC support/otlp_json_text.cc)
target_link_libraries(vigil_test_otlp_json PUBLIC vigil_options vigil_model)
