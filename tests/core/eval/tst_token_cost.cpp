// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/token_cost.h"

#include <QDir>
#include <QTest>

using namespace sa;

namespace
{

const std::string kSample = SA_SOURCE_DIR "/resources/sample-model";
const std::string kFamilies = SA_SOURCE_DIR "/tests/data/families/";

std::map<std::string, PackedLayerInfo> planesFor(const ModelConfig& config, int q, int R, int C)
{
    std::map<std::string, PackedLayerInfo> out;
    for (const LinearInfo& layer : linearLayers(config))
        out[layer.name] = {layer.name, static_cast<int>(layer.N), static_cast<int>(layer.K), q, R, C};
    return out;
}

std::uint64_t bytesOf(const ModelFolder& model, std::string_view tensor)
{
    const auto found = model.store.find(std::string(tensor) + ".weight");
    return found ? (*found)->sizeBytes : 0;
}

const Cost& part(const TokenCost& cost, const char* name)
{
    for (const PartCost& each : cost.parts)
        if (std::string_view(each.name) == name)
            return each.cost;
    qFatal("there is no part %s", name);
}

void addFamilies()
{
    QTest::addColumn<QString>("variant");
    for (const auto& variant :
         QDir(QString::fromStdString(kFamilies)).entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
        QTest::addRow("%s", qPrintable(variant)) << variant;
}

} // namespace

class TestTokenCost : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyStoredWeightIsReadOnce_data() { addFamilies(); }
    void everyStoredWeightIsReadOnce()
    {
        QFETCH(QString, variant);
        const auto model = ModelFolder::open(kFamilies + variant.toStdString());
        QVERIFY2(model, model ? "" : model.error().sentence().c_str());
        const ModelConfig& c = model->config;
        std::uint64_t expected = 0;
        for (const ExpectedTensor& tensor : expectedTensors(c))
            expected +=
                (*model->store.find(tensor.name == std::string(c.names.embedding) + ".weight" ? model->embeddingTensor()
                                                                                              : tensor.name))
                    ->sizeBytes;
        // One row of each table of vectors, and the whole one where it is the head as well.
        const std::uint64_t embedding = (*model->store.find(model->embeddingTensor()))->sizeBytes;
        expected += embedding / static_cast<std::uint64_t>(c.vocab) - (c.tiedHead ? 0 : embedding);
        if (c.positionScheme == PositionScheme::Learned) {
            const std::uint64_t positions = bytesOf(*model, c.names.positions);
            expected += positions / static_cast<std::uint64_t>(c.positions + c.learnedOffset) - positions;
        }
        const TokenCost cost = tokenCost(*model, {}, 3, 5);
        QCOMPARE(cost.inLayers().bytes.weights + cost.around().bytes.weights, expected);
        QCOMPARE(cost.inLayers().bytes.scales, std::uint64_t{0});
        QVERIFY(cost.kernelInLayers() == cost.inLayers().operations);
    }

    void planesNeverMultiply_data() { addFamilies(); }
    void planesNeverMultiply()
    {
        QFETCH(QString, variant);
        const auto model = ModelFolder::open(kFamilies + variant.toStdString());
        QVERIFY(model);
        Operations before;
        std::uint64_t bytesBefore = 0;
        for (int q = 1; q <= 4; ++q) {
            const auto planes = planesFor(model->config, q, 4, 8);
            const TokenCost cost = tokenCost(*model, planes, 3, 5);
            const Cost layers = cost.inLayers();
            QCOMPARE(layers.operations.multiplies, std::uint64_t{0});
            QVERIFY(layers.operations.adds > before.adds && layers.operations.lookups > before.lookups);
            QVERIFY(layers.bytes.total() > bytesBefore);
            std::uint64_t stored = 0;
            for (const auto& [name, layer] : planes)
                stored += layer.storedBytes();
            std::uint64_t biases = 0;
            for (const LinearInfo& layer : linearLayers(model->config))
                if (const auto bias = model->store.find(layer.name + ".bias"))
                    biases += (*bias)->sizeBytes;
            QCOMPARE(layers.bytes.weights + layers.bytes.scales, stored + biases);
            before = layers.operations;
            bytesBefore = layers.bytes.total();
        }
    }

    void theSampleIsCountedAsByHand()
    {
        const auto model = ModelFolder::open(kSample);
        QVERIFY(model);
        const ModelConfig& c = model->config; // LLaMA, float16, untied or not
        QCOMPARE(arithmeticBits(*model), 16);
        const TokenCost cost = tokenCost(*model, {}, 3, 100);
        const auto L = static_cast<std::uint64_t>(c.layers), heads = static_cast<std::uint64_t>(c.heads),
                   kv = static_cast<std::uint64_t>(c.kvHeads), d = static_cast<std::uint64_t>(c.headDim),
                   hidden = static_cast<std::uint64_t>(c.hidden), inner = static_cast<std::uint64_t>(c.intermediate);
        std::uint64_t weights = 0;
        for (const LinearInfo& layer : linearLayers(c))
            weights += static_cast<std::uint64_t>(layer.N * layer.K);
        QCOMPARE(cost.inLayers().operations.multiplies, weights);
        QCOMPARE(cost.inLayers().bytes.weights, 2 * weights);
        // Scores: 100 products of d, a scale each; softmax divides each; the mixture takes 100 vectors of d.
        const Cost& attention = part(cost, "attention");
        QCOMPARE(attention.operations.multiplies, L * (heads * 100 * (2 * d + 2) + (heads + kv) * (d / 2) * 4));
        QCOMPARE(attention.bytes.cache, L * 100 * kv * d * 2 * 2);
        const Cost& elementwise = part(cost, "elementwise");
        QCOMPARE(elementwise.operations.multiplies, L * (2 * (3 * hidden + 1) + 2 * inner));
        QCOMPARE(part(cost, "embedding").bytes.weights, 2 * hidden);
        QCOMPARE(part(cost, "head").operations.multiplies,
                 static_cast<std::uint64_t>(c.vocab) * hidden + 3 * hidden + 1);
    }

    void sharedKeysAreReadOnce()
    {
        const auto model = ModelFolder::open(kFamilies + "qwen3");
        QVERIFY(model);
        QVERIFY(model->config.kvHeads < model->config.heads);
        const auto bytes = static_cast<std::uint64_t>(arithmeticBits(*model)) / 8;
        QCOMPARE(part(tokenCost(*model, {}, 3, 7), "attention").bytes.cache,
                 static_cast<std::uint64_t>(model->config.layers * 7 * model->config.kvHeads * model->config.headDim) *
                     2 * bytes);
    }

    void aWindowBoundsTheCache()
    {
        const auto model = ModelFolder::open(kFamilies + "mistral-window");
        QVERIFY(model);
        const std::int64_t window = model->config.windowOf(0);
        QVERIFY(window > 0);
        const auto cache = [&](std::int64_t context) {
            return part(tokenCost(*model, {}, 3, context), "attention").bytes.cache;
        };
        QVERIFY(cache(window - 1) < cache(window));
        QCOMPARE(cache(window + 1), cache(window));
    }

    void theWholeIsTheSumOfItsLayers()
    {
        const auto model = ModelFolder::open(kSample);
        QVERIFY(model);
        auto planes = planesFor(model->config, 3, 32, 8);
        const std::string dense = linearLayers(model->config).back().name;
        planes.erase(dense); // a layer that was left alone
        const TokenCost cost = tokenCost(*model, planes, 2, 10);
        const TokenCost original = tokenCost(*model, {}, 2, 10);
        Cost sum;
        for (const LayerCost& layer : cost.layers)
            sum += layer.cost;
        QVERIFY(sum == cost.inLayers());
        QVERIFY(cost.around() == original.around());
        QCOMPARE(cost.layers.back().name, dense);
        QVERIFY(cost.layers.back().cost == original.layers.back().cost);
        QVERIFY(!(cost.layers.front().cost == original.layers.front().cost));
    }
};

QTEST_APPLESS_MAIN(TestTokenCost)
#include "tst_token_cost.moc"
