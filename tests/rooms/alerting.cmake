vigil_unit_test(server_alerting server/alerting DEPS alerting LIBS fmt::fmt)
vigil_fuzzer(matchers SEEDS DEPS alerting)
vigil_fuzzer(alerting_config SEEDS DEPS alerting)

# What the end-to-end tests compare with amtool, on files and routing trees.
vigil_binary(NO_INSTALL NAME alertingtool SOURCES support/alerting_tool_main.cc
  DEPS base model config alerting)
target_link_libraries(alertingtool PRIVATE fmt::fmt)
