# How everything written in C here is compiled.

include(CheckCCompilerFlag)

# Warnings that both compilers know; the others are asked for one by one.
set(warnings_of_all
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla
  -Wcast-qual -Wformat=2 -Wundef -Wwrite-strings -Wpointer-arith
  -Wdouble-promotion -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference)
set(warnings_of_GNU
  -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init
  -Wcast-align=strict)
set(warnings_of_Clang
  -Wcomma -Wunreachable-code-aggressive -Wconditional-uninitialized)

if(ML_SANITIZE)
  add_compile_options(-fsanitize=${ML_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${ML_SANITIZE})
endif()

# The counters of a program lie in a file that it maps (%c), one for all runs of
# a program (%m): so a process that is killed, or leaves by _exit, has counted,
# and nothing has to be in the environment of children.
if(ML_COVERAGE)
  add_compile_options(
    -fprofile-instr-generate=${PROJECT_BINARY_DIR}/profiles/%c%m.profraw
    -fcoverage-mapping -fno-builtin-bcmp
    "SHELL:-mllvm -runtime-counter-relocation"
    "SHELL:-mllvm -do-counter-promotion=false")
  add_link_options(-fprofile-instr-generate)
endif()

# Optimised as a whole: the functions that every switch between tasks calls are
# in several files, those of a static Lua among them. (Measured: 1,000 tasks that
# yield, 64 ns a switch without and 54 with it.) The objects hold their code as
# well, so whoever links the static library need not do the same.
option(ML_LTO "Optimise at link time, where the compiler is gcc"
       OFF)
set(lto_compile "")
set(lto_link "")
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  if(ML_LTO AND NOT ML_SANITIZE)
    set(lto_compile -flto=auto -ffat-lto-objects)
    set(lto_link -flto=auto)
  else()
    set(lto_link -fno-lto) # it would be, for the sake of Lua's objects
  endif()
endif()

# The headers of Lua and of other libraries are included as the system's: their
# warnings are not ours.
function(ml_compile target)
  target_include_directories(${target} PRIVATE
    "${PROJECT_SOURCE_DIR}/runtime" "${PROJECT_SOURCE_DIR}/runtime/include"
    "${PROJECT_BINARY_DIR}/generated")
  target_include_directories(${target} SYSTEM PRIVATE
    "${ML_LUA_INCLUDE_DIR}" ${ML_OPTIONAL_INCLUDES})
  # Each system has its own word for "all of POSIX and what you have beyond";
  # on the BSDs that is what one gets by saying nothing.
  target_compile_definitions(${target} PRIVATE
    ${ml_poller_definitions} ${ML_OPTIONAL_DEFINITIONS}
    $<$<PLATFORM_ID:Linux>:_GNU_SOURCE> $<$<PLATFORM_ID:Darwin>:_DARWIN_C_SOURCE>
    $<$<PLATFORM_ID:SunOS>:__EXTENSIONS__>)
  target_compile_options(${target} PRIVATE ${lto_compile})
  target_link_options(${target} PRIVATE ${lto_link})
  if(ML_ANALYZER) # not the linker, which would have it read all of Lua
    target_compile_options(${target} PRIVATE -fanalyzer)
  endif()
  if(ML_DEVELOPER)
    target_compile_options(${target} PRIVATE
      ${warnings_of_all} ${warnings_of_${CMAKE_C_COMPILER_ID}})
  endif()
endfunction()

# A poller is one file, compiled where its system call exists, and then
# announced to the table of pollers by ML_HAVE_<NAME>.
set(systems_of_epoll Linux)
foreach(poller epoll)
  if(CMAKE_SYSTEM_NAME IN_LIST systems_of_${poller})
    string(TOUPPER "ML_HAVE_${poller}=1" definition)
    list(APPEND ml_poller_definitions "${definition}")
  endif()
endforeach()

function(ml_pick_pollers sources)
  foreach(poller epoll)
    if(NOT CMAKE_SYSTEM_NAME IN_LIST systems_of_${poller})
      list(FILTER ${sources} EXCLUDE REGEX "/runtime/poll/${poller}\\.c$")
    endif()
  endforeach()
  set(${sources} "${${sources}}" PARENT_SCOPE)
endfunction()

# Lua's functions come from whoever loads the target. Only Apple's linker has
# to be told.
function(ml_allow_undefined target)
  if(APPLE)
    target_link_options(${target} PRIVATE -undefined dynamic_lookup)
  endif()
endfunction()

# A module whose code is not unmapped while the process lives.
function(ml_keep_loaded target)
  if(NOT APPLE)
    target_link_options(${target} PRIVATE -Wl,-z,nodelete)
  endif()
endfunction()
