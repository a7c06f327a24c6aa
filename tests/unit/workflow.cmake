# Each test loads packs from texts through support/pack_files.c.
function(tvb_pack_unit name)
    tvb_unit(${name} tvb_workflow)
    target_sources(test_${name} PRIVATE support/pack_files.c)
    target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()
tvb_pack_unit(run)
