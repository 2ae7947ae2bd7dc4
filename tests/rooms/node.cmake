vigil_unit_test(node exporters/node DEPS node toolkit exposition http model base)
vigil_fuzzer(node_parsers DEPS node base)
