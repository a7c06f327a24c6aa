tvb_unit(judge tvb_engine)
