vigil_unit_test(server_cli server/cli DEPS cli LIBS Snappy::snappy)
vigil_fuzzer(import_line DEPS cli)
vigil_fuzzer(cli_json DEPS cli)
vigil_fuzzer(rule_tests SEEDS DEPS cli)
