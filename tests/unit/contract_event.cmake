foreach(name order axes event outcome record deadletter entry topics vectors documents json_read)
    tvb_unit(${name} tvb_contract)
endforeach()
