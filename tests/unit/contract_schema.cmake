tvb_unit(schema_suite tvb_contract)
