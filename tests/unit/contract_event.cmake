foreach(name
    act
    axes
    commit_meta
    deadletter
    documents
    entry
    event
    event_peek
    json_read
    order
    outcome
    partition_record
    record
    topics
    vectors)
    tvb_unit(${name} tvb_contract)
endforeach()
