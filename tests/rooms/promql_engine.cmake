# The engine's unit tests read from the in-memory store; its fuzzer does too.
target_sources(promql_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support/memory_storage.cc)
vigil_fuzzer(promql_engine DEPS promql)
if(VIGIL_FUZZ)
  target_sources(promql_engine_fuzz PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support/memory_storage.cc)
endif()
