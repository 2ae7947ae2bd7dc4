vigil_unit_test(server_config server/config DEPS config LIBS fmt::fmt)
vigil_fuzzer(config DEPS config)
