# SPDX-License-Identifier: GPL-3.0-or-later
# Settings that every target shares, and the two functions that declare a library and a test.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(SA_SANITIZE "" CACHE STRING "Sanitizers for everything that is built here, as in -fsanitize=")
if(SA_SANITIZE)
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${SA_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
    add_link_options(-fsanitize=${SA_SANITIZE})
endif()
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fstack-protector-strong>)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SA_SANITIZE)
    add_compile_definitions(_FORTIFY_SOURCE=2)
endif()

find_program(SA_CCACHE ccache)
if(SA_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${SA_CCACHE}")
endif()

# A static library NAME (target sa_NAME, alias sa::NAME) that is included as in "core/base/error.h".
function(sa_add_library NAME)
    add_library(sa_${NAME} STATIC ${ARGN})
    add_library(sa::${NAME} ALIAS sa_${NAME})
    target_include_directories(sa_${NAME} PUBLIC "${PROJECT_SOURCE_DIR}")
    sa_warnings(sa_${NAME})
endfunction()

# Parses the large headers of a library once (ATen alone takes 8 s a file), not once for each of its files.
function(sa_precompile NAME)
    list(TRANSFORM ARGN REPLACE "(.+)" "$<$<COMPILE_LANGUAGE:CXX>:<\\1$<ANGLE-R>>")
    target_precompile_headers(sa_${NAME} PRIVATE ${ARGN})
    # For compiler caches; and gcc 12's false alarms in std::string (see sa_warnings) lose their place in a system header.
    target_compile_options(sa_${NAME} PRIVATE
        "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess;-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-array-bounds>")
endfunction()

function(sa_warnings TARGET)
    target_compile_options(${TARGET} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
        -Wno-restrict) # gcc 12 warns about its own std::string concatenation (gcc bug 105651)
    if(SA_WERROR)
        target_compile_options(${TARGET} PRIVATE -Werror)
    endif()
endfunction()

# A Qt Test program tst_NAME from tst_NAME.cpp: sa_add_test(line_channel LABELS unit LIBRARIES sa::protocol)
function(sa_add_test NAME)
    cmake_parse_arguments(ARG "" "" "LABELS;LIBRARIES;SOURCES" ${ARGN})
    add_executable(tst_${NAME} tst_${NAME}.cpp ${ARG_SOURCES})
    set_target_properties(tst_${NAME} PROPERTIES AUTOMOC ON)
    target_include_directories(tst_${NAME} PRIVATE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(tst_${NAME} PRIVATE Qt6::Test ${ARG_LIBRARIES})
    target_compile_definitions(tst_${NAME} PRIVATE QT_NO_KEYWORDS
        SA_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SA_SHARED_DIR="${SA_SHARED_DIR}" SA_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    target_compile_options(tst_${NAME} PRIVATE -O1) # long tables of rows: a third less to compile, nothing slower
    sa_warnings(tst_${NAME})
    add_test(NAME ${NAME} COMMAND tst_${NAME})
    set_tests_properties(${NAME} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 1500
        ENVIRONMENT "QT_QPA_PLATFORM=offscreen;LC_ALL=C.UTF-8;SHIFTADD_CACHE=off;QTEST_FUNCTION_TIMEOUT=1400000")
endfunction()
