# Calls of the C library that can be made to fail: see spec/torture/fault.h.

option(ML_TORTURE "Put wrappers before the C library's calls" OFF)

# The linker sends the calls of NAME in `target`, and in the libraries that are
# linked into it, to __wrap_NAME, for each of these in spec/torture/wrap_*.c,
# be it written out or made by wrap.h's macros.
function(ml_torture target)
  if(NOT ML_TORTURE)
    return()
  endif()
  set(folder "${PROJECT_SOURCE_DIR}/spec/torture")
  file(GLOB wrappers CONFIGURE_DEPENDS "${folder}/wrap_*.c")
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.c")
  list(FILTER sources EXCLUDE REGEX "_module\\.c$")
  target_sources(${target} PRIVATE ${sources})
  foreach(source IN LISTS wrappers)
    set_property(DIRECTORY APPEND PROPERTY
                 CMAKE_CONFIGURE_DEPENDS "${source}")
    file(READ "${source}" text)
    string(REGEX MATCHALL "(__wrap_|FAULT_WRAP(_CODE)?\\()[A-Za-z0-9_]+" names
           "${text}")
    list(TRANSFORM names REPLACE "^(__wrap_|FAULT_WRAP(_CODE)?\\()" "")
    list(REMOVE_DUPLICATES names)
    list(TRANSFORM names PREPEND "LINKER:--wrap=")
    target_link_options(${target} PRIVATE ${names})
  endforeach()
endfunction()

# The Lua modules that the scripts in spec/torture need: fault_module.c is
# `require "fault"`. They take fault.h's functions from the command.
function(ml_torture_modules)
  file(GLOB modules CONFIGURE_DEPENDS "spec/torture/*_module.c")
  foreach(source IN LISTS modules)
    get_filename_component(name "${source}" NAME_WE)
    add_library(${name} MODULE "${source}")
    ml_compile(${name})
    ml_allow_undefined(${name})
    string(REGEX REPLACE "_module$" "" module "${name}")
    set_target_properties(${name} PROPERTIES
      OUTPUT_NAME "${module}" PREFIX "" SUFFIX ".so"
      LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/torture")
  endforeach()
endfunction()
