vigil_unit_test(server_notify server/notify DEPS notify alerting template http)
set_tests_properties(unit.server_notify PROPERTIES COST 40)  # long under sanitizers: first
vigil_fuzzer(notify_payload SEEDS DEPS notify)
vigil_fuzzer(mail DEPS notify)
