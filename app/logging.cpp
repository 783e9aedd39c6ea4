// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace sa
{

void setUpLogging(const char* defaultLevel)
{
    auto logger = std::make_shared<spdlog::logger>("shiftadd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("[%l] %v");
    logger->flush_on(spdlog::level::trace);
    const char* wanted = std::getenv("SHIFTADD_LOG");
    const std::string text = wanted && *wanted ? wanted : defaultLevel;
    const auto level = spdlog::level::from_str(text);
    // from_str answers "off" for words that it does not know.
    const bool known = level != spdlog::level::off || text == "off";
    logger->set_level(known ? level : spdlog::level::from_str(defaultLevel));
    spdlog::set_default_logger(std::move(logger));
    if (!known)
        spdlog::warn("SHIFTADD_LOG={} is not a level", text);
}

} // namespace sa
