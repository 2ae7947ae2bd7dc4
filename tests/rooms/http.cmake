vigil_unit_test(http client-lib/http DEPS http base LIBS OpenSSL::SSL PkgConfig::ZSTD)
vigil_fuzzer(http_params DEPS http base)
vigil_fuzzer(smtp DEPS http base)
