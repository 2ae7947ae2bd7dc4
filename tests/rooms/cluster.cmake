vigil_unit_test(server_cluster server/cluster DEPS cluster alerting http)
