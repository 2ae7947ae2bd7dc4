vigil_unit_test(server_remote server/remote DEPS remote LIBS Snappy::snappy)
vigil_fuzzer(remote_write DEPS remote)
