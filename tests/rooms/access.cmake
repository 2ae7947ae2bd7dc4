vigil_unit_test(server_access server/access DEPS access config http)
