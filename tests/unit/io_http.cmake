tvb_unit(call tvb_core)
tvb_unit(loop tvb_io)

tvb_unit(http tvb_io PkgConfig::CURL Threads::Threads)
target_sources(test_http PRIVATE support/http_peer.c)
