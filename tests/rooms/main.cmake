# What of the server's main needs no world around it.
vigil_unit_test(server_main server DEPS base http toolkit)
target_sources(server_main_test PRIVATE ${PROJECT_SOURCE_DIR}/server/cluster_options.cc)
