<<<<<<< HEAD
foreach(name commit_meta order axes event outcome record deadletter topics vectors documents json_read)
=======
foreach(name order axes event outcome record deadletter entry act partition_record topics vectors documents json_read)
>>>>>>> acts
    tvb_unit(${name} tvb_contract)
endforeach()
