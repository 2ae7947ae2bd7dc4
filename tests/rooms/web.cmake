vigil_unit_test(server_web server/web DEPS web promqltest)
