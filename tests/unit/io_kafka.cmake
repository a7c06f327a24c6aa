tvb_unit(admin tvb_io Threads::Threads)
