# What find_package(tundish) finds. In a wheel everything lies under the package's own folder.
include(CMakePackageConfigHelpers)
set(config_dir ${library_dir}/cmake/tundish)
set_target_properties(tundish PROPERTIES INSTALL_RPATH "$ORIGIN")
if(NOT TUNDISH_PYTHON) # a wheel holds no links: one file under one name
  set_target_properties(tundish PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
endif()
install(TARGETS tundish EXPORT tundish_targets LIBRARY DESTINATION ${library_dir}
        INCLUDES DESTINATION ${include_dir})
install(DIRECTORY cpp/include/tundish DESTINATION ${include_dir})
install(EXPORT tundish_targets NAMESPACE tundish:: DESTINATION ${config_dir} FILE tundish-targets.cmake)
configure_package_config_file(cpp/cmake/tundish-config.cmake.in tundish-config.cmake
                              INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(tundish-config-version.cmake VERSION ${PROJECT_VERSION}
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tundish-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/tundish-config-version.cmake DESTINATION ${config_dir})
