foreach(name order axes event outcome record deadletter topics vectors documents)
    tvb_unit(${name} tvb_contract)
endforeach()
