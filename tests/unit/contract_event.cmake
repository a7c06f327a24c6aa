foreach(name order axes event outcome record deadletter entry act partition_record topics vectors documents json_read)
    tvb_unit(${name} tvb_contract)
endforeach()
