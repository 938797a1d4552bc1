# The runtime's own Lua modules travel inside the library, as C arrays.
#
# ml_embed_lua(OUT ROOT FILE) makes the rule for FILE, the arrays of all modules
# under ROOT and the table ml_embedded of "api/embed.h"; OUT is set to FILE.
# ROOT/meta holds descriptions for editors and stays outside.

set(embed_script "${CMAKE_CURRENT_LIST_DIR}/EmbedLua.cmake")

function(ml_embed_lua out root file)
  file(GLOB_RECURSE modules CONFIGURE_DEPENDS RELATIVE "${root}"
       "${root}/*.lua")
  list(FILTER modules EXCLUDE REGEX "^meta/")
  list(SORT modules)
  list(TRANSFORM modules PREPEND "${root}/" OUTPUT_VARIABLE paths)
  # The list itself is an input: a module that is taken away leaves the table.
  file(CONFIGURE OUTPUT "${file}.list" CONTENT "${modules}" @ONLY)
  add_custom_command(
    OUTPUT "${file}"
    COMMAND "${CMAKE_COMMAND}" "-DROOT=${root}" "-DMODULES=${file}.list"
            "-DOUT=${file}" -P "${embed_script}"
    DEPENDS "${embed_script}" "${file}.list" ${paths}
    COMMENT "Embedding the Lua modules" VERBATIM)
  set(${out} "${file}" PARENT_SCOPE)
endfunction()
