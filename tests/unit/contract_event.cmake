foreach(name order axes event outcome record deadletter topics)
    tvb_unit(${name} tvb_contract)
endforeach()
