vigil_unit_test(pushgateway pushgateway DEPS pushgateway toolkit exposition http model base)
vigil_fuzzer(grouping_key DEPS pushgateway exposition model base)
