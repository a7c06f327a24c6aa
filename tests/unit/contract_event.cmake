foreach(name
    act
    axes
    commit_meta
    deadletter
    documents
    entry
    event
    json_read
    order
    outcome
    partition_record
    record
    topics
    vectors)
    tvb_unit(${name} tvb_contract)
endforeach()
