vigil_unit_test(server_web server/web DEPS web promqltest)
vigil_fuzzer(post_alerts SEEDS DEPS web)
vigil_fuzzer(post_silence SEEDS DEPS web)
