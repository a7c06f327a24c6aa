# tvb_race(name LIBS...): tests/unit/race_<name>.c, a plain program, as ThreadSanitizer cannot start under Criterion.
# A report of the sanitizer makes it exit with 66.
add_library(tvb_test_race STATIC support/race.c support/race_vectors.c)
target_include_directories(tvb_test_race PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(tvb_test_race PUBLIC TVB_ROOT="${CMAKE_SOURCE_DIR}")
target_link_libraries(tvb_test_race PUBLIC tvb_contract PRIVATE tvb_flags Threads::Threads)

function(tvb_race name)
    add_executable(race_${name} race_${name}.c)
    target_link_libraries(race_${name} PRIVATE tvb_flags tvb_test_race ${ARGN})
    add_test(NAME race.${name} COMMAND race_${name})
    set_tests_properties(race.${name} PROPERTIES TIMEOUT 300 LABELS race
        ENVIRONMENT "TSAN_OPTIONS=exitcode=66:halt_on_error=0")
endfunction()

tvb_race(log tvb_base)
tvb_race(metrics tvb_base)
tvb_race(event tvb_contract)
tvb_race(plan tvb_engine)
if(TVB_SANITIZE MATCHES "thread")
    tvb_race(canary)
    set_tests_properties(race.canary PROPERTIES PASS_REGULAR_EXPRESSION "ThreadSanitizer: data race")
endif()
