// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/model_summary.h"

#include "ui/text.h"

#include <QFileInfo>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr std::size_t kMaxLayers = 100'000;
constexpr std::int64_t kMaxSize = std::int64_t{1} << 31;  // a side of a matrix
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53; // exact in JSON
constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();

Result<int> intIn(const JsonField& object, const char* key)
{
    SA_TRY(const std::int64_t value, object.intOr(key, 0, 0, kMaxInt));
    return static_cast<int>(value);
}

Result<LayerRow> parseLayer(const JsonField& field)
{
    LayerRow row;
    SA_TRY(const std::string name, field.stringAt("name"));
    row.name = fromUtf8(name);
    SA_TRY(row.block, intIn(field, "block"));
    SA_TRY(row.N, field.intAt("N", 1, kMaxSize));
    SA_TRY(row.K, field.intAt("K", 1, kMaxSize));
    SA_TRY(const std::string dtype, field.stringOr("dtype", ""));
    row.dtype = fromUtf8(dtype);
    SA_TRY(const std::int64_t bytes, field.intOr("bytes", 0, 0, kMaxBytes));
    row.bytes = static_cast<std::uint64_t>(bytes);
    SA_TRY(row.bits, field.doubleOr("bits", 16, 0, 1024));
    SA_TRY(row.quantizable, field.boolOr("quantizable", true));
    if (field.has("error")) {
        SA_TRY(row.error, field.doubleOr("error", 0, 0, std::numeric_limits<double>::max()));
    }
    return row;
}

Result<std::optional<HeadRow>> parseHead(const JsonField& root)
{
    const auto field = root.find("head");
    if (!field)
        return std::optional<HeadRow>();
    HeadRow head;
    SA_TRY(head.N, field->intAt("N", 1, kMaxSize));
    SA_TRY(head.K, field->intAt("K", 1, kMaxSize));
    SA_TRY(const std::int64_t bytes, field->intOr("bytes", 0, 0, kMaxBytes));
    head.bytes = static_cast<std::uint64_t>(bytes);
    SA_TRY(head.tied, field->boolOr("tied", false));
    SA_TRY(const std::string dtype, field->stringOr("dtype", ""));
    head.quantized = dtype == "planes" || dtype == "I8";
    return std::optional<HeadRow>(head);
}

Result<void> parseParts(const JsonField& root, ModelSummary& summary)
{
    if (const auto config = root.find("config")) {
        SA_TRY(summary.blocks, intIn(*config, "layers"));
        SA_TRY(summary.hiddenSize, intIn(*config, "hidden_size"));
        SA_TRY(summary.positions, intIn(*config, "positions"));
    }
    if (const auto tokenizer = root.find("tokenizer")) {
        SA_TRY(const std::string type, tokenizer->stringOr("type", ""));
        summary.tokenizerType = fromUtf8(type);
        SA_TRY(summary.tokenizerVocab, tokenizer->intOr("vocab", 0, 0, kMaxInt));
    }
    if (const auto quantization = root.find("quantization")) {
        SA_TRY(const std::string mode, quantization->stringOr("mode", ""));
        summary.mode = fromUtf8(mode);
        SA_TRY(summary.bits, intIn(*quantization, "bits"));
    }
    return {};
}

constexpr double kMaxTraffic = 1e18;

Result<std::optional<TokenTraffic>> parseTraffic(const JsonField& root)
{
    const auto cost = root.find("cost");
    if (!cost)
        return std::optional<TokenTraffic>();
    TokenTraffic traffic;
    SA_TRY(traffic.context, intIn(*cost, "context"));
    SA_TRY(const JsonField list, cost->at("variants"));
    SA_TRY(const auto variants, list.elements(100));
    if (variants.empty())
        return std::optional<TokenTraffic>();
    SA_TRY(const JsonField total, variants.front().at("total"));
    SA_TRY(const JsonField layers, variants.front().at("layers"));
    SA_TRY(const double all, total.doubleOr("bytes", 0, 0, kMaxTraffic));
    SA_TRY(const double weights, layers.doubleOr("weight_bytes", 0, 0, kMaxTraffic));
    SA_TRY(const double scales, layers.doubleOr("scale_bytes", 0, 0, kMaxTraffic));
    SA_TRY(traffic.cacheBytes, total.doubleOr("cache_bytes", 0, 0, kMaxTraffic));
    traffic.otherBytes = std::max(0.0, all - weights - scales);
    return std::optional<TokenTraffic>(traffic);
}

} // namespace

QString LayerRow::projection() const
{
    const QString middle = QStringLiteral(".%1.").arg(block);
    const qsizetype at = name.indexOf(middle);
    return at < 0 ? name : name.mid(at + middle.size());
}

QString ModelSummary::displayName() const
{
    const QString name = QFileInfo(folder).fileName();
    return name.isEmpty() ? folder : name;
}

Result<ModelSummary> parseModelSummary(const Json& result)
{
    const JsonField root(result, "", "result");
    ModelSummary summary;
    SA_TRY(const std::string folder, root.stringAt("model"));
    summary.folder = fromUtf8(folder);
    SA_TRY(const std::string fingerprint, root.stringOr("fingerprint", ""));
    summary.fingerprint = fromUtf8(fingerprint);
    SA_TRY(const std::string format, root.stringAt("format"));
    summary.packed = format == "packed";
    SA_TRY(const std::string architecture, root.stringAt("architecture"));
    summary.architecture = fromUtf8(architecture);
    SA_TRY(const std::string family, root.stringOr("family", ""));
    summary.family = fromUtf8(family);
    SA_TRY(const std::string dtype, root.stringOr("dtype", ""));
    summary.dtype = fromUtf8(dtype);
    SA_TRY(summary.parameters, root.intAt("parameters", 0, kMaxBytes));
    SA_TRY(summary.quantizableParameters, root.intOr("quantizable_parameters", 0, 0, kMaxBytes));
    SA_TRY(const std::int64_t original, root.intOr("original_bytes", 0, 0, kMaxBytes));
    SA_TRY(const std::int64_t stored, root.intOr("stored_bytes", 0, 0, kMaxBytes));
    summary.originalBytes = static_cast<std::uint64_t>(original);
    summary.storedBytes = static_cast<std::uint64_t>(stored);
    SA_TRY(summary.bitsPerWeight, root.doubleOr("bits_per_weight", 16, 0, 1024));
    SA_CHECK(parseParts(root, summary));
    SA_TRY(const JsonField layers, root.at("layers"));
    SA_TRY(const auto elements, layers.elements(kMaxLayers));
    summary.layers.reserve(elements.size());
    for (const JsonField& element : elements) {
        SA_TRY(LayerRow row, parseLayer(element));
        summary.layers.push_back(std::move(row));
    }
    SA_TRY(summary.head, parseHead(root));
    SA_TRY(summary.traffic, parseTraffic(root));
    if (const auto warnings = root.find("warnings")) {
        SA_TRY(const auto lines, warnings->elements(1000));
        for (const JsonField& line : lines) {
            SA_TRY(const std::string text, line.asString());
            summary.warnings += fromUtf8(text);
        }
    }
    return summary;
}

} // namespace sa::ui
