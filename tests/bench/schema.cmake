add_executable(bench-schema bench_schema.c)
target_link_libraries(bench-schema PRIVATE tvb_flags tvb_contract)
