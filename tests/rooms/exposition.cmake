vigil_unit_test(exposition client-lib/exposition HEAVY DEPS exposition)
vigil_fuzzer(exposition DEPS exposition)
vigil_fuzzer(open_metrics DEPS exposition)
vigil_fuzzer(protobuf_page DEPS exposition)
