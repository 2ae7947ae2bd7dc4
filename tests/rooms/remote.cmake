vigil_unit_test(server_remote server/remote DEPS remote promqltest
  LIBS Snappy::snappy vigil_test_sample_histograms vigil_test_slow_tsdb_chunks)
vigil_fuzzer(remote_write DEPS remote)
vigil_fuzzer(remote_read DEPS remote test_slow_tsdb_chunks)
vigil_fuzzer(otlp SEEDS DEPS remote)

add_library(vigil_test_slow_tsdb_chunks STATIC support/slow_tsdb_chunks.cc)
target_link_libraries(vigil_test_slow_tsdb_chunks PUBLIC vigil_options vigil_model)
