// SPDX-License-Identifier: GPL-3.0-or-later
// What a decode step on a device is planned from; the step itself is compared in tst_decode_step, where there is one.
#include "core/base/json.h"
#include "core/model/decode_step.h"

#include <ATen/ATen.h>
#include <QTest>

using namespace sa;

namespace
{

const char* const kGood = R"({"architectures":["LlamaForCausalLM"],"hidden_size":64,"intermediate_size":96,
  "num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":128,"max_position_embeddings":256,
  "rms_norm_eps":1e-5,"hidden_act":"silu"})";

ModelConfig configWith(const char* patch)
{
    Json value = *json::parse(kGood, "config.json");
    value.merge_patch(Json::parse(patch));
    return *ModelConfig::parse(JsonField(value, "config.json"));
}

PackedWeight weight(int N, int K, int q, int C)
{
    PackedWeight w;
    w.N = N;
    w.K = K;
    w.q = q;
    w.R = N;
    w.C = C;
    return w;
}

} // namespace

class TestStepModel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void onlyWhatTheStepComputesTakesIt()
    {
        QVERIFY(!stepObstacle(configWith("{}"), 256));
        const auto dynamic = configWith(R"({"rope_scaling":{"rope_type":"dynamic","factor":4.0}})");
        QVERIFY(!stepObstacle(dynamic, 256));
        QVERIFY(stepObstacle(dynamic, 257)); // from here on the base grows with the text
        QVERIFY(stepObstacle(configWith(R"({"head_dim":512})"), 256));
        QVERIFY(stepObstacle(configWith(R"({"intermediate_size":98})"), 256));
        const auto projected = configWith(
            R"({"architectures":["OPTForCausalLM"],"ffn_dim":96,"word_embed_proj_dim":32,"activation_function":"relu"})");
        QVERIFY(stepObstacle(projected, 256));
    }

    void modelsOnTheProcessorTakeTheOrdinaryPath()
    {
        std::vector<KvCache> caches = {{at::zeros({2, 8, 16}), at::zeros({2, 8, 16}), 0}};
        std::string why;
        QVERIFY(!DecodeStep::create(nullptr, caches, &why));
        QVERIFY(!why.empty());
        auto model = std::make_shared<StepModel>();
        model->config = configWith("{}");
        QVERIFY(!DecodeStep::create(model, caches));
    }

    void layersShareAnImageWhereTheirInputIsTheSame()
    {
        const PackedWeight first = weight(64, 96, 3, 8);
        QVERIFY(shareImage(first, weight(16, 96, 3, 8)));
        QVERIFY(!shareImage(first, weight(64, 96, 2, 8)));
        QVERIFY(!shareImage(first, weight(64, 96, 3, 1)));
        PackedWeight other = weight(64, 96, 3, 8);
        other.outputRotation = 7; // of each part
        QVERIFY(shareImage(first, other));
        other.inputRotation = 7;
        QVERIFY(!shareImage(first, other));
        other = weight(64, 96, 3, 8);
        other.exponents.assign(96, 1);
        QVERIFY(!shareImage(first, other));
    }

    void weightsTakeFewerBytesOnlyWhereThatIsExact()
    {
        QCOMPARE(inFewerBytes(at::tensor({1.0F, 0.5F, -3.0F})).scalar_type(), at::kHalf);
        QCOMPARE(inFewerBytes(at::tensor({1.0F, 0x1p100F})).scalar_type(), at::kBFloat16);
        QCOMPARE(inFewerBytes(at::tensor({1.0F, 0.1F})).scalar_type(), at::kFloat);
    }
};

QTEST_APPLESS_MAIN(TestStepModel)
#include "tst_step_model.moc"
