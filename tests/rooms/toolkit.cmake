vigil_unit_test(toolkit exporters/toolkit DEPS toolkit http model base)
vigil_fuzzer(web_config DEPS toolkit base)
