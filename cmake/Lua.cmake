# Finds the Lua to build with, and finds out whether it is sound.
#
# In:  ML_LUA, ML_LUA_NOTE
# Out: target miniloop::lua; ML_LUA_INCLUDE_DIR, ML_LUA_LIBRARY, ML_LUA_STATIC,
#      ML_LUA_PC (its pkg-config name, if it has one), ML_LUA_SERIES ("5.4"),
#      ML_LUA_FAULTY (0 or 1), ML_LUA_ORIGIN, ML_LUA_STACK_RESERVE

set(oldest_lua 5.4.4)
set(names_of_lua lua5.4 lua-5.4 lua54 lua5.5 lua-5.5 lua55 lua)

# ---------------------------------------------------------------- find it

if(ML_LUA STREQUAL "system")
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_search_module(PC_LUA QUIET
      lua5.4 lua-5.4 lua54 lua5.5 lua-5.5 lua55 lua>=5.4)
  endif()
  set(ML_LUA_PC "${PC_LUA_MODULE_NAME}")
  find_path(ML_LUA_INCLUDE_DIR lua.h NO_CACHE
    HINTS ${PC_LUA_INCLUDE_DIRS} PATH_SUFFIXES ${names_of_lua})
  find_library(ML_LUA_LIBRARY NO_CACHE
    NAMES ${PC_LUA_LIBRARIES} ${names_of_lua} HINTS ${PC_LUA_LIBRARY_DIRS})
  set(lua_from "the system's")
else()
  get_filename_component(prefix "${ML_LUA}" ABSOLUTE
    BASE_DIR "${PROJECT_SOURCE_DIR}")
  list(TRANSFORM names_of_lua REPLACE "(.+)" "lib\\1.a"
       OUTPUT_VARIABLE archives)
  find_path(ML_LUA_INCLUDE_DIR lua.h NO_CACHE
    PATHS "${prefix}/include" PATH_SUFFIXES ${names_of_lua} NO_DEFAULT_PATH)
  find_library(ML_LUA_LIBRARY NO_CACHE
    NAMES ${archives} ${names_of_lua}
    PATHS "${prefix}/lib" "${prefix}/lib64" NO_DEFAULT_PATH)
  set(lua_from "from ${prefix}")
endif()
if(ML_LUA_NOTE)
  set(lua_from "${ML_LUA_NOTE}")
endif()

if(NOT ML_LUA_INCLUDE_DIR OR NOT ML_LUA_LIBRARY)
  message(FATAL_ERROR
    "No Lua to build with (ML_LUA is \"${ML_LUA}\"). Install the development "
    "package of Lua 5.4 (Debian: liblua5.4-dev), or give the prefix of a Lua "
    "of your own: -DML_LUA=/path/to/prefix")
endif()

# ------------------------------------------------------- is it new enough

foreach(part MAJOR MINOR RELEASE)
  file(STRINGS "${ML_LUA_INCLUDE_DIR}/lua.h" line
       REGEX "define[ \t]+LUA_VERSION_${part}(_N)?[ \t]+\"?[0-9]+")
  string(REGEX REPLACE ".*LUA_VERSION_${part}(_N)?[ \t]+\"?([0-9]+).*" "\\2"
         LUA_${part} "${line}")
endforeach()
set(ML_LUA_SERIES "${LUA_MAJOR}.${LUA_MINOR}")
set(lua_release "${ML_LUA_SERIES}.${LUA_RELEASE}")
if(lua_release VERSION_LESS oldest_lua)
  message(FATAL_ERROR
    "Lua ${lua_release} (${lua_from}) is too old: the coroutines of releases "
    "before ${oldest_lua} have faults that no runtime can work around. "
    "-DML_LUA=/path/to/prefix takes another one.")
endif()

if(ML_LUA_LIBRARY MATCHES "\\.a$")
  set(ML_LUA_STATIC ON)
  add_library(miniloop::lua STATIC IMPORTED)
else()
  set(ML_LUA_STATIC OFF)
  add_library(miniloop::lua UNKNOWN IMPORTED)
endif()
set_target_properties(miniloop::lua PROPERTIES
  IMPORTED_LOCATION "${ML_LUA_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${ML_LUA_INCLUDE_DIR}"
  INTERFACE_LINK_LIBRARIES "m;${CMAKE_DL_LIBS}")

# ------------------------------------------------------------ is it sound

# What lua_probe.c finds is kept for as long as the library stays the same file.
file(TIMESTAMP "${ML_LUA_LIBRARY}" lua_time)
set(lua_key "${ML_LUA_LIBRARY} ${lua_time}")
if(CMAKE_CROSSCOMPILING)
  set(ML_LUA_FAULTY 1)
  set(lua_verdict "not checked, cross-compiling: taken for faulty")
elseif(NOT ML_LUA_PROBED STREQUAL lua_key)
  try_run(probe_run probe_compiles
    SOURCES "${PROJECT_SOURCE_DIR}/cmake/lua_probe.c"
    LINK_LIBRARIES miniloop::lua
    COMPILE_OUTPUT_VARIABLE probe_log RUN_OUTPUT_VARIABLE probe_output)
  if(NOT probe_compiles)
    message(FATAL_ERROR "Lua ${lua_release} (${lua_from}) does not link:\n"
                        "${probe_log}")
  endif()
  if(probe_run EQUAL 0)
    set(faulty 0)
  else() # also when it crashed
    set(faulty 1)
  endif()
  set(ML_LUA_PROBED "${lua_key}" CACHE INTERNAL "The library last probed")
  set(ML_LUA_FAULTY "${faulty}" CACHE INTERNAL "What lua_probe.c found")
endif()

if(NOT ML_LUA_FAULTY)
  set(ML_LUA_STACK_RESERVE 0)
  set(lua_verdict "sound")
else()
  set(ML_LUA_STACK_RESERVE 1000)
  if(NOT lua_verdict)
    set(lua_verdict "faulty: __concat corrupts coroutines, stack reserved")
  endif()
  message(WARNING
    "Lua ${lua_release} (${lua_from}) is not known to be sound: a __concat "
    "metamethod can corrupt the stack of a coroutine (cmake/lua_probe.c tells "
    "how). The build goes on, and tasks reserve stack, which hides the fault "
    "and does not remove it. ./dev builds a sound Lua; "
    "-DML_LUA=/path/to/prefix takes one.")
endif()

set(ML_LUA_ORIGIN "${lua_release}, ${lua_from}, ${lua_verdict}")
message(STATUS "Lua ${ML_LUA_ORIGIN} (${ML_LUA_LIBRARY})")
