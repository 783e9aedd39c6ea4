// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/checkpoint/safetensors.h"
#include "core/model/model_folder.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

const char* const kGood = R"({"architectures":["LlamaForCausalLM"],"hidden_size":64,"intermediate_size":96,
  "num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":128,"max_position_embeddings":256,
  "rms_norm_eps":1e-5,"hidden_act":"silu","rope_theta":10000.0,"eos_token_id":[2,3]})";

Result<ModelConfig> parseWith(const QByteArray& patch)
{
    Json value = *json::parse(kGood, "config.json");
    value.merge_patch(Json::parse(patch.toStdString()));
    return ModelConfig::parse(JsonField(value, "config.json"));
}

} // namespace

class TestModelConfig : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void readsWhatIsThere()
    {
        const auto config = parseWith("{}");
        QVERIFY2(config, config ? "" : config.error().sentence().c_str());
        QCOMPARE(config->headDim, 16);
        QCOMPARE(config->kvHeads, 2);
        QCOMPARE(config->eosIds, (std::vector<std::int32_t>{2, 3}));
        const auto layers = linearLayers(*config);
        QCOMPARE(layers.size(), std::size_t{14});
        QCOMPARE(layers[1].name, std::string("model.layers.0.self_attn.k_proj"));
        QCOMPARE(layers[1].N, 32);
        QCOMPARE(layers[13].name, std::string("model.layers.1.mlp.down_proj"));
        QCOMPARE(layers[13].K, 96);
    }

    void bothSpellingsOfPositionScalingMeanTheSame()
    {
        const auto older = parseWith(
            R"({"rope_theta":5e5,"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64}})");
        const auto newer = parseWith(
            R"({"rope_theta":null,"rope_parameters":{"rope_theta":5e5,"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64}})");
        QVERIFY(older && newer);
        QCOMPARE(older->rope.theta, newer->rope.theta);
        QCOMPARE(older->rope.scaling, RopeConfig::Scaling::Llama3);
        QCOMPARE(newer->rope.scaling, RopeConfig::Scaling::Llama3);
        QCOMPARE(older->rope.factor, newer->rope.factor);
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("patch");
        QTest::addColumn<QString>("field");
        const auto row = [](const char* name, const char* patch, const char* field) {
            QTest::addRow("%s", name) << QByteArray(patch) << QString(field);
        };
        row("another architecture", R"({"architectures":["MambaForCausalLM"]})", "architectures");
        row("an empty architecture list", R"({"architectures":[]})", "architectures");
        row("an architecture that is a number", R"({"architectures":[3]})", "architectures[0]");
        row("no architecture at all", R"({"architectures":null})", "architectures");
        row("no hidden size", R"({"hidden_size":null})", "hidden_size");
        row("a hidden size of 0", R"({"hidden_size":0})", "hidden_size");
        row("a negative hidden size", R"({"hidden_size":-64})", "hidden_size");
        row("a fractional hidden size", R"({"hidden_size":64.5})", "hidden_size");
        row("a textual hidden size", R"({"hidden_size":"64"})", "hidden_size");
        row("a huge hidden size", R"({"hidden_size":4611686018427387904})", "hidden_size");
        row("0 layers", R"({"num_hidden_layers":0})", "num_hidden_layers");
        row("2^31 layers", R"({"num_hidden_layers":2147483648})", "num_hidden_layers");
        row("0 heads", R"({"num_attention_heads":0})", "num_attention_heads");
        row("heads that do not divide the hidden size", R"({"num_attention_heads":3,"num_key_value_heads":3})",
            "num_attention_heads");
        row("key heads that do not divide the heads", R"({"num_key_value_heads":3})", "num_key_value_heads");
        row("0 key heads", R"({"num_key_value_heads":0})", "num_key_value_heads");
        row("an odd head size", R"({"head_dim":7})", "head_dim");
        row("an empty vocabulary", R"({"vocab_size":0})", "vocab_size");
        row("another activation", R"({"hidden_act":"gelu"})", "hidden_act");
        row("a negative epsilon", R"({"rms_norm_eps":-1})", "rms_norm_eps");
        row("an epsilon that is a text", R"({"rms_norm_eps":"1e-5"})", "rms_norm_eps");
        row("theta 0", R"({"rope_theta":0})", "rope_theta");
        row("an unknown position scaling", R"({"rope_scaling":{"rope_type":"longrope","factor":2}})",
            "rope_scaling.rope_type");
        row("a position scaling without factor", R"({"rope_scaling":{"type":"linear"}})", "rope_scaling.factor");
        row("a position scaling with factor 0", R"({"rope_scaling":{"type":"linear","factor":0}})",
            "rope_scaling.factor");
        row("a position scaling that is a list", R"({"rope_scaling":[1]})", "rope_scaling");
        row("frequency factors in the wrong order",
            R"({"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":1}})",
            "rope_scaling.high_freq_factor");
        row("tying that is a number", R"({"tie_word_embeddings":1})", "tie_word_embeddings");
        row("an end token that is a text", R"({"eos_token_id":"</s>"})", "eos_token_id");
        row("an end token below 0", R"({"eos_token_id":[2,-1]})", "eos_token_id[1]");
        row("another program's quantization", R"({"quantization_config":{"quant_method":"gptq","bits":4}})",
            "quantization_config.quant_method");
        row("a part of each head rotated", R"({"partial_rotary_factor":0.5})", "partial_rotary_factor");
        row("the same in the newer spelling",
            R"({"rope_parameters":{"rope_type":"default","partial_rotary_factor":0.5}})",
            "rope_parameters.partial_rotary_factor");
        row("a multiplier of another family", R"({"residual_multiplier":0.22})", "residual_multiplier");
        row("clipped projections", R"({"clip_qkv":8.0})", "clip_qkv");
        row("experts", R"({"num_local_experts":8})", "num_local_experts");
        row("Gemma that looks both ways",
            R"({"architectures":["GemmaForCausalLM"],"head_dim":16,"use_bidirectional_attention":true})",
            "use_bidirectional_attention");
        row("layer types of another length",
            R"({"architectures":["MistralForCausalLM"],"layer_types":["full_attention"],"sliding_window":8})",
            "layer_types");
        row("an unknown layer type",
            R"({"architectures":["Qwen2ForCausalLM"],"layer_types":["full_attention","linear_attention"]})",
            "layer_types[1]");
        row("a sliding layer without a window",
            R"({"architectures":["Qwen3ForCausalLM"],"layer_types":["sliding_attention","full_attention"]})",
            "sliding_window");
        row("Bloom with an inner width of its own",
            R"({"architectures":["BloomForCausalLM"],"n_layer":2,"n_head":4,"n_inner":100})", "n_inner");
        row("OPT without its inner width", R"({"architectures":["OPTForCausalLM"]})", "ffn_dim");
        row("OPT with an unknown activation",
            R"({"architectures":["OPTForCausalLM"],"ffn_dim":64,"activation_function":"mish"})", "activation_function");
    }
    void refuses()
    {
        QFETCH(QByteArray, patch);
        QFETCH(QString, field);
        const auto config = parseWith(patch);
        QVERIFY(!config);
        QVERIFY(config.error().code == Errc::BadFormat || config.error().code == Errc::Unsupported);
        QCOMPARE(QString::fromStdString(config.error().where), field);
        QCOMPARE(config.error().file, std::string("config.json"));
    }

    void whatDoesNotChangeTheResultIsIgnored()
    {
        const auto plain = parseWith("{}");
        const auto noisy =
            parseWith(R"({"_name_or_path":"x/y","pretraining_tp":4,"use_cache":false,"torch_dtype":"float16",
            "attention_dropout":0.1,"unsloth_version":"1","residual_multiplier":1.0,"num_experts":0,"clip_qkv":null,
            "attn_logit_softcapping":null,"initializer_range":0.5,"my_own_note":[1,2,3]})");
        QVERIFY(plain);
        QVERIFY2(noisy, noisy ? "" : noisy.error().sentence().c_str());
        QVERIFY(noisy->warnings.empty());
        QCOMPARE(expectedTensors(*noisy).size(), expectedTensors(*plain).size());
    }

    void foldersAreCheckedBeforeWork()
    {
        QTemporaryDir folder;
        const std::string path = folder.path().toStdString();
        QCOMPARE(ModelFolder::open(path + "/absent").error().code, Errc::NotFound);
        QVERIFY(writeFileAtomic(path + "/file", "x"));
        QCOMPARE(ModelFolder::open(path + "/file").error().code, Errc::BadInput);
        const auto empty = ModelFolder::open(path);
        QCOMPARE(empty.error().code, Errc::NotFound);
        QVERIFY(empty.error().message.find("config.json") != std::string::npos);
        QVERIFY(writeFileAtomic(path + "/config.json", kGood));
        QCOMPARE(ModelFolder::open(path).error().code, Errc::NotFound); // no weights
    }

    void tensorsThatDoNotFitTheArchitectureAreNamed()
    {
        QTemporaryDir folder;
        const std::string path = folder.path().toStdString();
        const Json config = *json::parse(kGood, "config.json");
        const auto parsed = ModelConfig::parse(JsonField(config, "config.json"));
        QVERIFY(parsed);
        const auto write = [&](const std::function<bool(SafetensorsWriter::Declaration&)>& change) {
            std::vector<SafetensorsWriter::Declaration> tensors;
            std::size_t bytes = 0;
            for (const auto& tensor : expectedTensors(*parsed)) {
                SafetensorsWriter::Declaration declaration{tensor.name, Dtype::F16, tensor.shape};
                if (!change(declaration))
                    continue;
                std::size_t size = static_cast<std::size_t>(sizeBytes(declaration.dtype));
                for (const auto extent : declaration.shape)
                    size *= static_cast<std::size_t>(extent);
                bytes += size;
                tensors.push_back(declaration);
            }
            QVERIFY(writeFileAtomic(path + "/config.json", kGood));
            auto writer = SafetensorsWriter::create(path + "/model.safetensors", tensors);
            QVERIFY(writer);
            QVERIFY(writer->write(std::vector<std::byte>(bytes)));
            QVERIFY(writer->commit());
        };
        write([](auto&) { return true; });
        QVERIFY(ModelFolder::open(path));
        write([](auto& t) { return t.name != "model.layers.1.mlp.up_proj.weight"; });
        QVERIFY(ModelFolder::open(path).error().sentence().find("model.layers.1.mlp.up_proj.weight") !=
                std::string::npos);
        write([](auto& t) {
            if (t.name == "model.layers.0.self_attn.k_proj.weight")
                t.shape = {64, 32};
            return true;
        });
        const auto misshapen = ModelFolder::open(path);
        QCOMPARE(misshapen.error().where, std::string("model.layers.0.self_attn.k_proj.weight"));
        QCOMPARE(misshapen.error().found, std::string("[64, 32]"));
        QCOMPARE(misshapen.error().expected, std::string("[32, 64]"));
        write([](auto& t) {
            if (t.name == "lm_head.weight")
                t.dtype = Dtype::I32;
            return true;
        });
        QCOMPARE(ModelFolder::open(path).error().code, Errc::Unsupported);
    }
};

QTEST_APPLESS_MAIN(TestModelConfig)
#include "tst_model_config.moc"
