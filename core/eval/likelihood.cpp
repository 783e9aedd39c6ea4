// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/likelihood.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

namespace
{

std::size_t commonPrefix(const std::vector<std::vector<std::int32_t>>& inputs)
{
    std::size_t length = inputs.front().size();
    for (const auto& input : inputs)
        length = static_cast<std::size_t>(
            std::mismatch(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(std::min(length, input.size())),
                          inputs.front().begin())
                .first -
            input.begin());
    return length;
}

Likelihood score(const Decoder& decoder, const at::Tensor& hidden, const std::vector<std::int32_t>& ids)
{
    const at::Tensor logits = decoder.logits(hidden);
    at::Tensor targets = at::empty({static_cast<std::int64_t>(ids.size()), 1}, at::kLong);
    std::copy(ids.begin(), ids.end(), targets.data_ptr<std::int64_t>());
    targets = targets.to(logits.device());
    Likelihood out;
    out.logLikelihood = at::log_softmax(logits, 1).gather(1, targets).to(at::kDouble).sum().item<double>();
    out.greedy = logits.argmax(1, true).eq(targets).all().item<bool>() ? 1.0 : 0.0;
    return out;
}

} // namespace

Result<Continuation> encodeContinuation(const Tokenizer& tokenizer, const ModelConfig& config,
                                        const std::string& context, const std::string& continuation)
{
    const auto nothing = [&] {
        return makeError(Errc::BadInput, "a continuation has no token of its own")
            .butFound(display(continuation, 60))
            .tryThis("This tokenizer cannot be scored on that task");
    };
    const auto special = tokenizer.encode("", true);
    const std::int32_t first = !special.empty() ? special.front() : (config.eosIds.empty() ? 0 : config.eosIds.front());
    Continuation out;
    if (context.empty()) {
        out.ids = tokenizer.encode(continuation, false);
        if (!out.ids.empty() && out.ids.front() == first)
            out.ids.erase(out.ids.begin());
        out.context = {first};
    } else {
        const std::size_t last = context.find_last_not_of(" \t\n\r\v\f");
        const std::size_t kept = last == std::string::npos ? 0 : last + 1;
        const std::string head = context.substr(0, kept);
        const std::string whole = context + continuation;
        // A text that begins with the first token's own spelling gets no second one.
        const std::string spelling = tokenizer.tokenText(first);
        const auto addSpecial = [&](const std::string& text) {
            return spelling.empty() || text.rfind(spelling, 0) != 0;
        };
        out.context = tokenizer.encode(head, addSpecial(head));
        const auto all = tokenizer.encode(whole, addSpecial(whole));
        if (all.size() > out.context.size())
            out.ids.assign(all.begin() + static_cast<std::ptrdiff_t>(out.context.size()), all.end());
        if (out.context.empty())
            out.context = {first};
    }
    if (out.ids.empty() || static_cast<std::int64_t>(out.ids.size()) > config.positions)
        return nothing();
    SA_CHECK(config.checkIds(out.context));
    SA_CHECK(config.checkIds(out.ids));
    return out;
}

std::vector<Likelihood> likelihoods(const Decoder& decoder, const std::vector<Continuation>& continuations)
{
    const auto most = static_cast<std::size_t>(decoder.config().positions);
    std::vector<std::vector<std::int32_t>> inputs;
    std::size_t longest = 0;
    for (const Continuation& c : continuations) {
        std::vector<std::int32_t> input = c.context;
        input.insert(input.end(), c.ids.begin(), c.ids.end() - 1); // nothing is predicted from the last one
        if (input.size() > most)
            input.erase(input.begin(), input.end() - static_cast<std::ptrdiff_t>(most));
        longest = std::max(longest, input.size());
        inputs.push_back(std::move(input));
    }
    const std::size_t shared = commonPrefix(inputs);
    auto caches = decoder.makeCaches(static_cast<std::int64_t>(longest));
    at::Tensor prefix;
    if (shared > 0)
        prefix = decoder.hidden(std::span(inputs.front()).first(shared), &caches);

    std::vector<Likelihood> out;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        for (KvCache& cache : caches)
            cache.length = static_cast<std::int64_t>(shared);
        const auto rest = std::span(inputs[i]).subspan(shared);
        const auto from = static_cast<std::int64_t>(inputs[i].size() - continuations[i].ids.size());
        const auto split = static_cast<std::int64_t>(shared);
        std::vector<at::Tensor> rows;
        if (from < split)
            rows.push_back(prefix.slice(0, from));
        if (!rest.empty())
            rows.push_back(decoder.hidden(rest, &caches).slice(0, std::max<std::int64_t>(0, from - split)));
        out.push_back(score(decoder, rows.size() == 1 ? rows.front() : at::cat(rows), continuations[i].ids));
    }
    return out;
}

} // namespace sa
