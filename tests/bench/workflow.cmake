# What it costs to load a pack, and a step of a workflow beyond HTTP; by hand: build/<preset>/bin/bench-pack.
add_executable(bench-pack bench_pack.c)
target_link_libraries(bench-pack PRIVATE tvb_flags tvb_workflow)
target_compile_definitions(bench-pack PRIVATE TVB_ROOT="${CMAKE_SOURCE_DIR}")
# With the allocator of the worker.
if(NOT TVB_SANITIZE)
    target_link_libraries(bench-pack PRIVATE PkgConfig::JEMALLOC)
endif()
