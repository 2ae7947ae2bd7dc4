vigil_unit_test(model client-lib/model HEAVY DEPS model)
vigil_fuzzer(model_text DEPS model)
