if(VIGIL_BENCH)
  vigil_binary(NAME vigil-bench NO_INSTALL SOURCES bench/asker.cc bench/bench_tool.cc
    DEPS base model http)
  target_link_libraries(vigil-bench PRIVATE Snappy::snappy)
endif()
