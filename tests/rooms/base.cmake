vigil_unit_test(base client-lib/base DEPS base)
