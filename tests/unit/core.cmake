tvb_unit(offsets tvb_core)
tvb_unit(lanes tvb_core)
tvb_unit(core tvb_core)
tvb_unit(pace tvb_core)
