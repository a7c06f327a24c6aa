foreach(name commit_meta order axes event outcome record deadletter topics vectors documents json_read)
    tvb_unit(${name} tvb_contract)
endforeach()
