# tvbridge's commands: what they share, how they read, and what waits for the web hook.
tvb_unit(cli tvb_producer)
tvb_unit(event_reader tvb_producer)
tvb_unit(publish_event tvb_producer)
tvb_unit(post_queue tvb_producer)
tvb_unit(redact tvb_producer)
tvb_unit(story tvb_producer)
# The gateway's pure parts, and its HTTP as its peers see it.
tvb_unit(serve_keys tvb_producer)
tvb_unit(serve_mode tvb_producer)
tvb_unit(serve_http tvb_producer)
tvb_unit(entitlement tvb_producer)
