vigil_unit_test(base client-lib/base DEPS base)
vigil_fuzzer(time_zone SEEDS DEPS base)
