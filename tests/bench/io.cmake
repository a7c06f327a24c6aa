# What one HTTP call and one event's round trips to Redis cost; by hand: build/<preset>/bin/bench-http, bench-redis.
add_executable(bench-http bench_http.c)
target_link_libraries(bench-http PRIVATE tvb_flags tvb_io)

add_executable(bench-redis bench_redis.c)
target_link_libraries(bench-redis PRIVATE tvb_flags tvb_io tvb_test_redis)
add_executable(bench-kafka bench_kafka.c ../unit/support/kafka_member.c)
target_include_directories(bench-kafka PRIVATE ../unit)
target_link_libraries(bench-kafka PRIVATE tvb_flags tvb_io)
