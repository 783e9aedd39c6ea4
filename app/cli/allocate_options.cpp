// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/allocate_options.h"

#include <CLI/CLI.hpp>

namespace sa::cli
{

AllocateOptions::AllocateOptions(CLI::App& parent)
    : m_app(parent.add_subcommand("allocate", "Give every linear layer its bits, under a budget of stored bytes"))
{
    m_app->footer("Examples:\n"
                  "  shiftadd allocate sensitivity.json --bits 2.5 --out plan.json\n"
                  "  shiftadd allocate sensitivity.json --bytes 4.5GB --pin \"*.layers.0.*=4\" --link q,k,v\n"
                  "  shiftadd allocate sensitivity.json --bits 2.2 --rule sort-and-cut --json\n"
                  "NAME is the name of a linear layer, successive parts of it (q_proj, layers.3), a glob\n"
                  "(\"*.mlp.*\"), or a regular expression between slashes (\"/layers\\.[0-3]\\./\").");
    m_app->add_option("SENSITIVITY", m_command.sensitivity, "File that shiftadd analyze wrote")
        ->required()
        ->type_name("");
    m_app->add_option("--bits", m_command.bits, "Stored bits per weight of the linear layers, scales counted")
        ->type_name("X");
    m_app->add_option("--bytes", m_command.bytes, "Size of all tensors: bytes, or 4.5GB, 700MiB, ...")
        ->type_name("SIZE");
    list("--pin", m_command.pins, "NAME=BITS", "Exactly these bits: 1 to 4, or 16 (kept as it is)");
    list("--range", m_command.ranges, "NAME=LOW..HIGH", "Bits within these ends");
    list("--exclude", m_command.excludes, "NAME", "Keep as it is");
    list("--link", m_command.links, "P,P,...",
         "In every block the same bits for these projections; shared: for all "
         "that read one input");
    m_app->add_option("--rule", m_command.rule, "optimal, or for comparison sort-and-cut, per-layer, uniform [optimal]")
        ->type_name("RULE");
    m_app->add_option("--objective", m_command.objective, "damage, error or weight-score [the best that is known]")
        ->type_name("NAME");
    m_app->add_option("--out", m_command.out, "Plan to write, for shiftadd quantize --plan")->type_name("FILE");
    m_app->add_flag("--json", m_command.json, "Print one JSON object: the result or the error");
}
bool AllocateOptions::chosen() const
{
    return m_app->parsed();
}

void AllocateOptions::list(const char* option, std::vector<std::string>& values, const char* valueName,
                           const char* help)
{
    m_app->add_option(option, values, std::string(help) + "; may be repeated")
        ->allow_extra_args(false)
        ->type_name(valueName);
}

} // namespace sa::cli
