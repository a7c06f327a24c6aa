tvb_unit(call tvb_core)
tvb_unit(loop tvb_io)

tvb_unit(http tvb_io PkgConfig::CURL Threads::Threads)
target_sources(test_http PRIVATE support/http_peer.c)

# A real redis-server for a test.
add_library(tvb_test_redis STATIC support/redis_server.c)
target_include_directories(tvb_test_redis PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(tvb_test_redis PRIVATE tvb_flags PkgConfig::HIREDIS)

tvb_unit(redis tvb_io tvb_test_redis)
target_sources(test_redis PRIVATE support/redis_worker.c)
tvb_unit(redis_merge tvb_io tvb_test_redis)
tvb_unit(redis_supersede tvb_io tvb_test_redis)
target_sources(test_redis_merge PRIVATE support/redis_worker.c)
target_sources(test_redis_supersede PRIVATE support/redis_worker.c)
tvb_unit(redis_guard tvb_io tvb_test_redis)
target_sources(test_redis_guard PRIVATE support/redis_worker.c)
tvb_unit(redis_connection tvb_io tvb_test_redis)
target_sources(test_redis_connection PRIVATE support/redis_worker.c)
tvb_unit(redis_sentinel tvb_io tvb_test_redis)
target_sources(test_redis_sentinel PRIVATE support/redis_worker.c support/fake_sentinel.c)
