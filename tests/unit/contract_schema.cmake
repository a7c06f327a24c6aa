tvb_unit(json tvb_contract)
tvb_unit(yaml tvb_contract)
tvb_unit(schema_suite tvb_contract)
tvb_unit(numbers tvb_core)
