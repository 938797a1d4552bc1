# Libraries that do what is not ours to do. None is linked: each is opened when
# a script first needs it (base/library.h), so that a start costs nothing for
# them and the command runs where they are missing. What a build needs is their
# headers; a part whose headers are missing is replaced by PART_absent.c, whose
# functions say so.
#
# (OpenSSL before 3.0 has no such header.)
#
# part       header          shared library, its version
set(optional_parts
  "tls       openssl/core.h  ssl             3"
  "json      jansson.h       jansson         4"
  "websocket wslay/wslay.h   wslay           1"
  "gzip      zlib.h          z               1")

set(ML_OPTIONAL_DEFINITIONS "")
set(ML_OPTIONAL_INCLUDES "")
set(ml_absent_parts "")

# The name that the system's loader knows the library by.
function(ml_soname out name version)
  if(APPLE)
    set(${out} "lib${name}.${version}.dylib" PARENT_SCOPE)
  else()
    set(${out} "lib${name}.so.${version}" PARENT_SCOPE)
  endif()
endfunction()

foreach(row IN LISTS optional_parts)
  string(REGEX REPLACE " +" ";" row "${row}")
  list(GET row 0 part)
  list(GET row 1 header)
  list(GET row 2 library)
  list(GET row 3 version)
  string(TOUPPER "${part}" PART)
  option(ML_WITH_${PART} "Build miniloop.${part} where <${header}> is" ON)
  find_path(ML_${PART}_INCLUDE_DIR "${header}")
  mark_as_advanced(ML_${PART}_INCLUDE_DIR)
  if(ML_WITH_${PART} AND ML_${PART}_INCLUDE_DIR)
    ml_soname(soname ${library} ${version})
    list(APPEND ML_OPTIONAL_DEFINITIONS "ML_${PART}_LIBRARY=\"${soname}\"")
    list(APPEND ML_OPTIONAL_INCLUDES ${ML_${PART}_INCLUDE_DIR})
  else()
    list(APPEND ml_absent_parts ${part})
    message(STATUS "Without ${part}: <${header}> is not there or not wanted")
  endif()
endforeach()

# Leaves one of PART.c, PART_*.c and PART_absent.c in the list of sources.
function(ml_pick_optional sources)
  foreach(row IN LISTS optional_parts)
    string(REGEX REPLACE " .*" "" part "${row}")
    if(part IN_LIST ml_absent_parts)
      list(FILTER ${sources} EXCLUDE
           REGEX "/runtime/(proto|lib)/${part}(_[a-z]+)?\\.c$")
      file(GLOB absent CONFIGURE_DEPENDS
           "${PROJECT_SOURCE_DIR}/runtime/lib/${part}_absent.c")
      list(APPEND ${sources} ${absent})
    else()
      list(FILTER ${sources} EXCLUDE REGEX "/runtime/lib/${part}_absent\\.c$")
    endif()
  endforeach()
  set(${sources} "${${sources}}" PARENT_SCOPE)
endfunction()
