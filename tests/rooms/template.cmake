# The template language: rows in tests/scripts/template, and a program that expands templates for
# the end-to-end comparison with promtool and amtool.
vigil_room(COLD NAME template_data
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/template_data.cc
  DEPS template model base)
vigil_binary(NAME template-render NO_INSTALL
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/template_render_main.cc
  DEPS template_data template)
vigil_unit_test(template server/template DEPS template_data template)
vigil_fuzzer(template SEEDS DEPS template_data template)
