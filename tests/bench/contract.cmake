add_executable(bench-contract bench_contract.c)
target_link_libraries(bench-contract PRIVATE tvb_flags tvb_contract)
target_compile_definitions(bench-contract PRIVATE TVB_ROOT="${CMAKE_SOURCE_DIR}")
