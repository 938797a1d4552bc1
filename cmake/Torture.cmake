# Calls of the C library that can be made to fail: see spec/torture/fault.h.

option(ML_TORTURE "Put wrappers before the C library's calls" OFF)

# The linker sends the calls of NAME in `target`, and in the libraries that are
# linked into it, to __wrap_NAME, for each of these in spec/torture/wrap_*.c.
function(ml_torture target)
  if(NOT ML_TORTURE)
    return()
  endif()
  set(folder "${PROJECT_SOURCE_DIR}/spec/torture")
  file(GLOB wrappers CONFIGURE_DEPENDS "${folder}/wrap_*.c")
  target_sources(${target} PRIVATE "${folder}/fault.c" ${wrappers})
  foreach(source IN LISTS wrappers)
    set_property(DIRECTORY APPEND PROPERTY
                 CMAKE_CONFIGURE_DEPENDS "${source}")
    file(STRINGS "${source}" lines REGEX "[ *]__wrap_[A-Za-z0-9_]+\\(.*;$")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE ".*__wrap_([A-Za-z0-9_]+)\\(.*" "\\1" name "${line}")
      target_link_options(${target} PRIVATE "LINKER:--wrap=${name}")
    endforeach()
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
