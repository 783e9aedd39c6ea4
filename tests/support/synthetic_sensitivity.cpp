// SPDX-License-Identifier: GPL-3.0-or-later
// Writes made-up figures over LLaMA-2-70B's layer list, for pictures of the bit budget page:
//   synthetic_sensitivity FILE
#include "tests/support/synthetic_sensitivity.h"

#include <cstdio>

int main(int argc, char** argv)
{
    if (argc != 2)
        return 2;
    const auto written = sa::writeSensitivity(argv[1], sa::syntheticSensitivity(sa::kLlama70B));
    if (!written)
        std::fprintf(stderr, "%s\n", written.error().sentence().c_str());
    return written ? 0 : 1;
}
