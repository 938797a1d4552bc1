# cmake --install: the command, both libraries, the header, the Lua module, the
# manual page, what editors read, and how others find it all.

include(CMakePackageConfigHelpers)

set(cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/miniloop")

if(ML_CLI)
  install(TARGETS miniloop RUNTIME)
  install(FILES docs/miniloop.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
          OPTIONAL)
endif()
install(TARGETS miniloop_static miniloop_shared EXPORT miniloopTargets)
set_target_properties(miniloop_shared PROPERTIES EXPORT_NAME miniloop)
set_target_properties(miniloop_static PROPERTIES EXPORT_NAME static)
install(TARGETS miniloop_module DESTINATION "lib/lua/${ML_LUA_SERIES}")
install(FILES ${public_headers} TYPE INCLUDE)
# For editors alone: the modules are in the library, and lua/meta is about what
# is made in C.
install(DIRECTORY lua DESTINATION "${CMAKE_INSTALL_DATADIR}/miniloop"
        FILES_MATCHING PATTERN "*.lua")

# ---------------------------------------------------------------- its Lua

# A static Lua comes along: what is installed needs nothing of the tree that it
# was built in. Modules of Lua in C look for its functions in the program that
# loads them, so a host that has Lua in itself must show them.
set(installed_lua "${ML_LUA_LIBRARY}")
set(installed_lua_headers "${ML_LUA_INCLUDE_DIR}")
if(ML_LUA_STATIC)
  set(ML_LUA_EXPORTS "${CMAKE_EXE_EXPORTS_C_FLAG}")
  get_filename_component(lua_name "${ML_LUA_LIBRARY}" NAME)
  set(installed_lua "${CMAKE_INSTALL_LIBDIR}/miniloop/${lua_name}")
  set(installed_lua_headers "${CMAKE_INSTALL_INCLUDEDIR}/miniloop")
  file(GLOB lua_headers "${ML_LUA_INCLUDE_DIR}/lua*.h"
       "${ML_LUA_INCLUDE_DIR}/lauxlib.h")
  install(FILES "${ML_LUA_LIBRARY}"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/miniloop")
  # What is there for a link that optimises (tools/lua.sh) would make each link
  # of a host take ten seconds more.
  if(CMAKE_OBJCOPY)
    install(CODE "execute_process(COMMAND \"${CMAKE_OBJCOPY}\"
      -R .gnu.lto_* -R .gnu.debuglto_*
      \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${installed_lua}\")")
  endif()
  install(FILES ${lua_headers} DESTINATION "${installed_lua_headers}")
endif()

# ---------------------------------------------------------------- for CMake

install(EXPORT miniloopTargets NAMESPACE miniloop:: DESTINATION "${cmake_dir}")
configure_package_config_file(cmake/miniloopConfig.cmake.in
  "${PROJECT_BINARY_DIR}/generated/miniloopConfig.cmake"
  INSTALL_DESTINATION "${cmake_dir}"
  PATH_VARS installed_lua installed_lua_headers)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/generated/miniloopConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/miniloopConfig.cmake"
              "${PROJECT_BINARY_DIR}/generated/miniloopConfigVersion.cmake"
        DESTINATION "${cmake_dir}")

# ----------------------------------------------------------- for pkg-config

# The file names its neighbours from where it lies: an installed tree can move.
file(RELATIVE_PATH PC_FILE_INCLUDE_DIR "/${CMAKE_INSTALL_LIBDIR}/pkgconfig"
     "/${CMAKE_INSTALL_INCLUDEDIR}")

# A Lua of the system is named by its own .pc file, any other by its place.
if(ML_LUA_PC)
  set(PC_FILE_REQUIRES "${ML_LUA_PC}")
elseif(ML_LUA_STATIC)
  set(PC_FILE_CFLAGS "-I\${includedir}/miniloop")
  set(PC_FILE_LIBS
      "\${libdir}/miniloop/${lua_name} -lm -ldl ${ML_LUA_EXPORTS}")
else()
  set(PC_FILE_CFLAGS "-I\"${ML_LUA_INCLUDE_DIR}\"")
  set(PC_FILE_LIBS "\"${ML_LUA_LIBRARY}\" -lm -ldl")
endif()
configure_file(cmake/miniloop.pc.in generated/miniloop.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/generated/miniloop.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
