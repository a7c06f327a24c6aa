foreach(name order axes event outcome record deadletter topics vectors)
    tvb_unit(${name} tvb_contract)
endforeach()
