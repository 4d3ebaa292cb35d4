# Run at install time: copies src/<room>/**.hpp with their includes spelled for a user's program.
file(REMOVE_RECURSE "${staging_dir}")
string(REPLACE " " ";" rooms "${rooms_words}")
foreach(room IN LISTS rooms)
  file(GLOB_RECURSE headers RELATIVE "${source_dir}" "${source_dir}/${room}/*.hpp")
  foreach(header IN LISTS headers)
    file(READ "${source_dir}/${header}" text)
    string(REGEX REPLACE "#include \"(${rooms_pattern})/" "#include \"handfast/\\1/"
           text "${text}")
    file(WRITE "${staging_dir}/handfast/${header}" "${text}")
  endforeach()
endforeach()
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/${include_dir}" TYPE DIRECTORY
     FILES "${staging_dir}/handfast")
