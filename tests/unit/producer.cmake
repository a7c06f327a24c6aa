# tvbridge's commands: what they share, how they read, and what waits for the web hook.
tvb_unit(cli tvb_producer)
tvb_unit(event_reader tvb_producer)
tvb_unit(publish_event tvb_producer)
tvb_unit(post_queue tvb_producer)
tvb_unit(redact tvb_producer)
tvb_unit(split tvb_producer)
tvb_unit(story tvb_producer)
tvb_unit(sync tvb_producer)
