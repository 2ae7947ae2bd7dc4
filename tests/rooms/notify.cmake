vigil_unit_test(server_notify server/notify DEPS notify alerting template http)
vigil_fuzzer(notify_payload SEEDS DEPS notify)
vigil_fuzzer(mail DEPS notify)
