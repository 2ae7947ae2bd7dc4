# Writes the vectors that all decoders are tested with (fixtures/chunks/vectors.txt).
add_executable(chunk_vectors support/chunk_vectors_main.cc)
target_link_libraries(chunk_vectors PRIVATE vigil_options vigil_chunks vigil_test_sample_series)
set_target_properties(chunk_vectors PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# The decoders of the C extension, compiled as C++ because nothing else here is C.
if(VIGIL_FUZZ)
  set(decoder ${PROJECT_SOURCE_DIR}/server/postgres/extension/decoder.c)
  set_source_files_properties(${decoder} PROPERTIES LANGUAGE CXX)
  add_library(vigil_extension_decoder STATIC ${decoder})
  target_link_libraries(vigil_extension_decoder PUBLIC vigil_options)
endif()
vigil_fuzzer(extension_decoder DEPS chunks extension_decoder)
