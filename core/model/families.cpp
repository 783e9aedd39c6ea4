// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/families.h"

namespace sa
{

namespace
{

constexpr Family kFamilies[] = {
    {"LlamaForCausalLM", "llama", readLlama},         {"MistralForCausalLM", "mistral", readMistral},
    {"Qwen2ForCausalLM", "qwen2", readQwen2},         {"Qwen3ForCausalLM", "qwen3", readQwen3},
    {"GemmaForCausalLM", "gemma", readGemma},         {"Gemma2ForCausalLM", "gemma2", readGemma2},
    {"Gemma3ForCausalLM", "gemma3_text", readGemma3}, {"OPTForCausalLM", "opt", readOpt},
    {"BloomForCausalLM", "bloom", readBloom},
};

} // namespace

std::span<const Family> families()
{
    return kFamilies;
}

std::string familyNames()
{
    std::string out;
    for (const Family& family : kFamilies)
        out += (out.empty() ? "" : ", ") + std::string(family.architecture);
    return out;
}

} // namespace sa
