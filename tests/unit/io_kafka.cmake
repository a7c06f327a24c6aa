tvb_unit(admin tvb_io Threads::Threads)
tvb_unit(kafka_mock tvb_io PkgConfig::RDKAFKA Threads::Threads)
target_sources(test_kafka_mock PRIVATE support/mock_kafka.c support/kafka_member.c)
target_include_directories(test_kafka_mock PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
