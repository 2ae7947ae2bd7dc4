vigil_unit_test(model client-lib/model DEPS model)
vigil_fuzzer(model_text DEPS model)
