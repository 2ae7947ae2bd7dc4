vigil_unit_test(server_discovery server/discovery DEPS discovery)
