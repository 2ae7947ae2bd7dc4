vigil_unit_test(server_rules server/rules DEPS rules)
vigil_fuzzer(rule_file SEEDS DEPS rules)
