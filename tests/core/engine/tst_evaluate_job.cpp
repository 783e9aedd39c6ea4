// SPDX-License-Identifier: GPL-3.0-or-later
// Divergence, zero-shot tasks, the cache behind them, given tokens, latency and the certificate, as whole jobs.
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/engine/report_html.h"
#include "job_runner.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QDirIterator>
#include <QRegularExpression>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cmath>

using namespace sa;
using test::run;

namespace
{

const std::string kModel = SA_SOURCE_DIR "/resources/sample-model";

EvaluateSpec textJob(const std::string& model)
{
    EvaluateSpec spec;
    spec.model = model;
    spec.text = SA_SOURCE_DIR "/resources/sample-text/evaluation.raw.txt";
    spec.join = "raw";
    spec.seqlen = 64;
    spec.maxWindows = 18;
    return spec;
}

/// Everything but what a clock measured and what the cache had.
Json figures(Json result)
{
    for (const char* key :
         {"seconds", "tokens_per_second", "cached_windows", "cached_items", "task_seconds", "resident_linear_bytes"})
        result.erase(key);
    return result;
}

} // namespace

class TestEvaluateJob : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string m_other; ///< another model with the same tokens
    QString cache() const { return m_folder.filePath("cache"); }
    QStringList chunks(const char* kind) const
    {
        QStringList out;
        for (QDirIterator it(cache(), {"chunk-*.bin"}, QDir::Files, QDirIterator::Subdirectories); it.hasNext();)
            if (const QString path = it.next(); path.contains(QString("/%1-").arg(kind)))
                out << path;
        out.sort();
        return out;
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(QDir().mkpath(m_folder.filePath("other")));
        m_other = m_folder.filePath("other").toStdString();
        QVERIFY(test::writeTinyModel(m_other));
    }
    void init()
    {
        QDir(cache()).removeRecursively();
        qputenv("SHIFTADD_CACHE", cache().toUtf8());
    }

    void aModelDoesNotDivergeFromItself()
    {
        EvaluateSpec spec = textJob(kModel);
        spec.reference = kModel;
        const auto result = run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        const Json& d = (*result)["divergence"];
        QCOMPARE(d["mean"]["value"].get<double>(), 0.0);
        QCOMPARE(d["max"].get<double>(), 0.0);
        QCOMPARE(d["top1_agreement"]["value"].get<double>(), 1.0);
        QCOMPARE(d["perplexity_ratio"]["value"].get<double>(), 1.0);
        QVERIFY(d["reference_perplexity"] == (*result)["perplexity"]);
        QVERIFY((*result)["perplexity_low"] < (*result)["perplexity"]);
        QVERIFY((*result)["perplexity_high"] > (*result)["perplexity"]);
        // float16 arithmetic is worse than nothing, and better than any quantization.
        const double noise = d["noise_floor"]["mean"]["value"].get<double>();
        QVERIFY2(noise > 0 && noise < 1e-3, qPrintable(QString::number(noise)));
        QCOMPARE(d["noise_floor"]["windows"].get<int>(), 16);
    }

    void anotherModelDiverges()
    {
        EvaluateSpec spec = textJob(m_other);
        spec.reference = kModel;
        spec.noiseFloor = false;
        const auto result = run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        const Json& d = (*result)["divergence"];
        QVERIFY(d["mean"]["value"].get<double>() > 1);
        QVERIFY(d["median"] <= d["p90"] && d["p90"] <= d["p99"] && d["p99"] <= d["p999"] && d["p999"] <= d["max"]);
        QVERIFY(d["mean"]["low"] < d["mean"]["value"] && d["mean"]["value"] < d["mean"]["high"]);
        QVERIFY(d["top1_agreement"]["value"].get<double>() < 0.5);
        QVERIFY(d["noise_floor"].is_null());
        QCOMPARE(d["tokens"].get<int>(), 18 * 63);
        const double ratio = (*result)["perplexity"].get<double>() / d["reference_perplexity"].get<double>();
        QVERIFY(std::abs(d["perplexity_ratio"]["value"].get<double>() / ratio - 1) < 1e-9);
        // Both alone have the same perplexities.
        QVERIFY((*run(textJob(m_other)))["perplexity"] == (*result)["perplexity"]);
        QVERIFY((*run(textJob(kModel)))["perplexity"] == d["reference_perplexity"]);
    }

    void finishedPiecesAreTakenFromTheCache()
    {
        EvaluateSpec spec = textJob(m_other);
        spec.reference = kModel;
        const auto first = run(spec);
        QVERIFY(first);
        QCOMPARE((*first)["cached_windows"].get<int>(), 0);
        QVERIFY(!chunks("states").isEmpty() && !chunks("scores").isEmpty() && !chunks("noise").isEmpty());
        const auto second = run(spec);
        QVERIFY(second);
        QCOMPARE((*second)["cached_windows"].get<int>(), 18);
        QVERIFY((*second)["tokens_per_second"].is_null());
        QVERIFY(figures(*first) == figures(*second));
        // A shorter run is the beginning of a longer one, and the other way round.
        spec.maxWindows = 6;
        QCOMPARE((*run(spec))["cached_windows"].get<int>(), 6);
        spec.maxWindows = 20;
        const auto longer = run(spec);
        QVERIFY(longer);
        QCOMPARE((*longer)["cached_windows"].get<int>(), 16);
        spec.cache = false;
        const auto fresh = run(spec);
        QVERIFY(fresh);
        QCOMPARE((*fresh)["cached_windows"].get<int>(), 0);
        QVERIFY(figures(*fresh) == figures(*longer));
    }

    void damagedPiecesAreMadeAgain()
    {
        EvaluateSpec spec = textJob(m_other);
        spec.reference = kModel;
        const auto first = run(spec);
        QVERIFY(first);
        for (const char* kind : {"states", "scores"}) {
            const QString path = chunks(kind).at(1);
            std::string bytes = *readFile(path.toStdString(), 1u << 30);
            bytes[bytes.size() / 2] ^= 1;
            QVERIFY(writeFileAtomic(path.toStdString(), bytes));
        }
        const auto again = run(spec);
        QVERIFY2(again, again ? "" : again.error().sentence().c_str());
        QCOMPARE((*again)["cached_windows"].get<int>(), 14);
        QVERIFY(figures(*first) == figures(*again));
        QVERIFY(writeFileAtomic((cache() + "/digests.json").toStdString(), "[nonsense"));
        QVERIFY(figures(*run(spec)) == figures(*first));
    }

    void aChangedModelIsAnotherModel()
    {
        const std::string copy = m_folder.filePath("copy").toStdString();
        QVERIFY(QDir().mkpath(QString::fromStdString(copy)));
        QVERIFY(test::writeTinyModel(copy));
        const auto first = run(textJob(copy));
        QVERIFY(first);
        // The same content elsewhere is the same model.
        QCOMPARE((*run(textJob(m_other)))["cached_windows"].get<int>(), 18);
        const std::string weights = copy + "/model.safetensors";
        std::string bytes = *readFile(weights, 1u << 30);
        bytes[bytes.size() - 3] ^= 0x10;
        QVERIFY(writeFileAtomic(weights, bytes));
        QCOMPARE((*run(textJob(copy)))["cached_windows"].get<int>(), 0);
    }

    void aCancelledEvaluationGoesOnWhereItStopped()
    {
        EvaluateSpec spec = textJob(m_other);
        spec.reference = kModel;
        spec.maxWindows = 32;
        spec.cache = false;
        const auto whole = run(spec);
        QVERIFY(whole);
        spec.cache = true;
        // Stopped in the pass over the original, then in its own, then let through.
        for (const char* step : {"original", ""}) {
            CancelToken cancel;
            int seen = 0;
            const auto stopped = runJob(
                spec,
                [&](const Json& event) {
                    if (event.contains("progress") && event["progress"]["phase"] == "evaluate" &&
                        event["progress"]["step"] == step && event["progress"]["done"].get<double>() > 0 && ++seen == 1)
                        cancel.cancel();
                },
                cancel);
            if (!stopped)
                QCOMPARE(stopped.error().code, Errc::Cancelled);
        }
        QVERIFY(!chunks("states").isEmpty());
        const auto resumed = run(spec);
        QVERIFY(resumed);
        QVERIFY(figures(*resumed) == figures(*whole));
    }

    void aCacheThatCannotBeWrittenCostsNothingElse()
    {
        EvaluateSpec spec = textJob(m_other);
        spec.reference = kModel;
        spec.maxWindows = 4;
        const auto kept = run(spec);
        QVERIFY(kept);
        QVERIFY(writeFileAtomic(m_folder.filePath("file").toStdString(), "in the way"));
        qputenv("SHIFTADD_CACHE", m_folder.filePath("file/below").toUtf8());
        std::vector<Json> events;
        const auto result = run(spec, &events);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QVERIFY(figures(*result) == figures(*kept));
        const auto isWarning = [](const Json& event) {
            return event.contains("note") && event["note"]["severity"] == "warning";
        };
        QCOMPARE(std::count_if(events.begin(), events.end(), isWarning), std::ptrdiff_t{1});
    }

    void modelsThatCannotBeComparedAreRefused()
    {
        const std::string smaller = m_folder.filePath("smaller").toStdString();
        QVERIFY(QDir().mkpath(QString::fromStdString(smaller)));
        test::TinyModel shape;
        shape.vocabulary = 5000;
        QVERIFY(test::writeTinyModel(smaller, shape));
        EvaluateSpec spec = textJob(kModel);
        spec.reference = smaller;
        const auto refused = run(spec);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::BadInput);
        QVERIFY(refused.error().sentence().find("vocabulary") != std::string::npos);
        spec.reference = m_folder.filePath("absent").toStdString();
        QVERIFY(!run(spec));
    }

    void tasksAreScoredAndKept()
    {
        EvaluateSpec spec;
        spec.model = kModel;
        spec.data = SA_SOURCE_DIR "/tests/data/tasks";
        spec.tasks = {"arc_easy", "copa", "lambada_openai", "mmlu_anatomy", "hellaswag", "storycloze_2018"};
        spec.harness = m_folder.filePath("harness").toStdString();
        std::vector<Json> events;
        const auto first = run(spec, &events);
        QVERIFY2(first, first ? "" : first.error().sentence().c_str());
        QCOMPARE((*first)["tasks"].size(), std::size_t{6});
        QCOMPARE((*first)["cached_items"].get<int>(), 0);
        QVERIFY((*first)["tasks"][2]["accuracy_norm"].is_null());
        QVERIFY((*first)["tasks"][2]["perplexity"].get<double>() > 1);
        QVERIFY((*first)["task_groups"].empty()); // one subject is not MMLU
        QVERIFY(events.back().contains("progress"));
        const auto second = run(spec);
        QVERIFY(second);
        QCOMPARE((*second)["cached_items"].get<int>(), 12);
        QVERIFY(figures(*first) == figures(*second));

        const auto results = json::parseFile(spec.harness + "/results.json");
        QVERIFY(results);
        const Json& arc = (*results)["results"]["arc_easy"];
        QVERIFY(arc["acc,none"] == (*first)["tasks"][0]["accuracy"]["value"]);
        QVERIFY(arc["acc_norm,none"] == (*first)["tasks"][0]["accuracy_norm"]["value"]);
        QVERIFY(!(*results)["results"]["copa"].contains("acc_norm,none"));
        QCOMPARE((*results)["n-samples"]["arc_easy"]["effective"].get<int>(), 3);
        const auto samples = readFile(spec.harness + "/samples_arc_easy.jsonl", 1u << 20);
        QVERIFY(samples);
        const auto line = json::parse(samples->substr(0, samples->find('\n')), "samples");
        QVERIFY(line);
        QCOMPARE((*line)["arguments"]["gen_args_1"]["arg_1"].get<std::string>(), std::string(" a candle"));
        QCOMPARE((*line)["filtered_resps"].size(), std::size_t{3});
        QCOMPARE((*line)["target"].get<int>(), 1);
    }

    void withoutDataTheFileIsNamed()
    {
        EvaluateSpec spec;
        spec.model = kModel;
        spec.data = m_folder.path().toStdString();
        spec.tasks = {"piqa"};
        const auto none = run(spec);
        QVERIFY(!none);
        QCOMPARE(none.error().code, Errc::NotFound);
        QVERIFY(none.error().sentence().find("piqa/valid.jsonl") != std::string::npos);
        spec.tasks = {"sudoku"};
        QCOMPARE(run(spec).error().code, Errc::Usage);
    }

    void tokensCarryWhatCouldHaveCome()
    {
        GenerateSpec spec;
        spec.model = kModel;
        spec.prompt = "The game was released in";
        spec.maxTokens = 8;
        spec.greedy = true;
        spec.topLogged = 4;
        std::vector<Json> events;
        const auto result = run(spec, &events);
        QVERIFY(result);
        int tokens = 0;
        for (const Json& event : events) {
            if (!event.contains("token"))
                continue;
            ++tokens;
            const Json& token = event["token"];
            QCOMPARE(token["top"].size(), std::size_t{4});
            QVERIFY(token["top"][0]["id"] == token["id"]); // greedy
            QVERIFY(token["top"][0]["logprob"] == token["logprob"]);
            QVERIFY(token["logprob"].get<double>() <= 0);
        }
        QCOMPARE(tokens, 8);
        QVERIFY((*result)["first_token_seconds"] >= (*result)["prefill_seconds"]);
        // Blocks in float32, tables as they are stored: between the folder's bytes and twice as many.
        const auto weights = (*result)["memory"]["weight_bytes"].get<std::int64_t>();
        QVERIFY(weights > 13'840'864 && weights < 2 * 13'840'864);
        QVERIFY((*result)["memory"]["cache_bytes"].get<std::int64_t>() > 0);

        // The same tokens, given: the same probabilities, and no divergence from itself.
        GenerateSpec forced = spec;
        forced.forceIds = (*result)["ids"].get<std::vector<std::int32_t>>();
        forced.reference = kModel;
        std::vector<Json> again;
        const auto scored = run(forced, &again);
        QVERIFY2(scored, scored ? "" : scored.error().sentence().c_str());
        QVERIFY((*scored)["text"] == (*result)["text"]);
        QCOMPARE((*scored)["stop"].get<std::string>(), std::string("forced"));
        QCOMPARE((*scored)["kl_mean"].get<double>(), 0.0);
        std::size_t at = 0;
        for (const Json& event : again) {
            if (!event.contains("token"))
                continue;
            while (!events[at].contains("token"))
                ++at;
            const Json& before = events[at++]["token"];
            QVERIFY(event["token"]["id"] == before["id"]);
            QVERIFY(std::abs(event["token"]["logprob"].get<double>() - before["logprob"].get<double>()) < 1e-3);
            QCOMPARE(event["token"]["kl"].get<double>(), 0.0);
        }
        forced.model = m_other;
        const auto other = run(forced);
        QVERIFY(other);
        QVERIFY((*other)["kl_mean"].get<double>() > 0.1);
    }

    void textsStopAndConversationsAreRendered()
    {
        GenerateSpec spec;
        spec.model = kModel;
        spec.prompt = "The game was released in";
        spec.maxTokens = 24;
        spec.greedy = true;
        const std::string whole = (*run(spec))["text"].get<std::string>();
        const std::string word = whole.substr(whole.size() / 2, 5);
        spec.stop = {word};
        std::vector<Json> events;
        const auto stopped = run(spec, &events);
        QVERIFY(stopped);
        QCOMPARE((*stopped)["stop"].get<std::string>(), std::string("stop"));
        QCOMPARE((*stopped)["text"].get<std::string>(), whole.substr(0, whole.find(word)));
        std::string streamed;
        for (const Json& event : events)
            if (event.contains("token"))
                streamed += event["token"]["text"].get<std::string>();
        QCOMPARE(streamed, (*stopped)["text"].get<std::string>());

        GenerateSpec chat;
        chat.model = kModel;
        chat.messages = {{"user", "The old"}, {"user", "lighthouse"}};
        chat.maxTokens = 2;
        const auto answer = run(chat);
        QVERIFY(answer);
        QCOMPARE((*answer)["prompt"].get<std::string>(), std::string("The old\n\nlighthouse")); // a base model
    }

    void theFastProductIsMeasuredAndKeptApart()
    {
        QuantizeSpec quantize;
        quantize.model = m_other;
        quantize.out = m_folder.filePath("packed").toStdString();
        quantize.mode = "acc"; // a group of all rows has the fast product
        quantize.samples = 4;
        quantize.seqlen = 32;
        QVERIFY(run(quantize));
        EvaluateSpec spec = textJob(quantize.out);
        const auto exact = run(spec);
        QVERIFY2(exact, exact ? "" : exact.error().sentence().c_str());
        spec.cpuPrecision = "fast";
        const auto fast = run(spec);
        QVERIFY(fast);
        if (!qEnvironmentVariableIsSet("SA_KERNEL_TARGET")) {
            QCOMPARE((*fast)["cached_windows"].get<int>(), 0); // not what the exact product left
            const double ratio = (*fast)["perplexity"].get<double>() / (*exact)["perplexity"].get<double>();
            QVERIFY2(ratio != 1.0 && std::fabs(ratio - 1.0) < 1e-3, qPrintable(QString::number(ratio, 'g', 9)));
        }
        QVERIFY((*run(spec))["cached_windows"].get<int>() > 0);
    }

    void speedIsMeasuredInTurns()
    {
        LatencySpec spec;
        spec.model = kModel;
        spec.against = m_other;
        spec.lengths = {8, 16};
        spec.decode = 4;
        spec.repeats = 3;
        const auto result = run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["models"].size(), std::size_t{2});
        for (const Json& model : (*result)["models"]) {
            QCOMPARE(model["lengths"].size(), std::size_t{2});
            for (const Json& length : model["lengths"]) {
                const Json& prefill = length["prefill_seconds"];
                QCOMPARE(prefill["values"].size(), std::size_t{3});
                QVERIFY(prefill["min"] <= prefill["median"] && prefill["median"] <= prefill["max"]);
                QVERIFY(length["decode_seconds_per_token"]["median"].get<double>() > 0);
            }
            QVERIFY(model["memory"]["linear_bytes"].get<std::int64_t>() > 0);
            QCOMPARE(model["calculated"]["context"].get<int>(), 20); // the longest prompt and what follows
            QVERIFY(model["calculated"]["microjoules"].get<double>() > 0);
            // 20 tokens, keys and values, float32
            QVERIFY(model["memory"]["cache_bytes"].get<std::int64_t>() >= 20 * 2 * 64 * 4);
        }
        spec.lengths = {127};
        const auto tooLong = run(spec);
        QVERIFY(!tooLong);
        QCOMPARE(tooLong.error().where, std::string("lengths"));
    }

    void theCertificateGatesAndItsPageHasItsNumbers()
    {
        ReportSpec spec;
        spec.evaluate = textJob(m_other);
        spec.evaluate.reference = kModel;
        spec.out = m_folder.filePath("certificate.json").toStdString();
        spec.html = m_folder.filePath("report.html").toStdString();
        spec.maxKl = 0.05;
        spec.maxPerplexityIncrease = 3.0;
        const auto refused = run(spec);
        QVERIFY2(refused, refused ? "" : refused.error().sentence().c_str());
        QVERIFY(!(*refused)["gate"]["accepted"].get<bool>());
        QVERIFY((*refused)["gate"]["override"].is_null());
        spec.overrideReason = "only a <test> & nothing else";
        const auto passed = run(spec);
        QVERIFY(passed);
        QVERIFY((*passed)["gate"]["accepted"].get<bool>() && !(*passed)["gate"]["passed"].get<bool>());
        const auto written = json::parseFile(spec.out);
        QVERIFY(written && *written == *passed);
        QVERIFY((*written)["original"]["identity"]["weights_sha256"].contains("model.safetensors"));
        const auto html = readFile(spec.html, 10u << 20);
        QVERIFY(html);
        const QString page = QString::fromStdString(*html);
        for (const char* pointer : {"/evaluation/perplexity", "/evaluation/divergence/mean/value",
                                    "/evaluation/divergence/p999", "/evaluation/divergence/top1_agreement/value"})
            QVERIFY2(page.contains(QString::number((*passed)[Json::json_pointer(pointer)].get<double>(), 'g', 5)),
                     pointer);
        // Every number says what it is, to the digit, and shows that number rounded.
        const std::string digits = json::dump(*passed);
        const QRegularExpression data(QStringLiteral("<data value=\"([^\"]+)\">([^<]+)</data>"));
        int numbers = 0;
        for (auto matches = data.globalMatch(page); matches.hasNext(); ++numbers) {
            const auto match = matches.next();
            QVERIFY2(digits.find(match.captured(1).toStdString()) != std::string::npos, qPrintable(match.captured(1)));
            const double exact = match.captured(1).toDouble();
            QString text = match.captured(2).remove("&#8239;"); // between thousands
            const qsizetype unit = text.indexOf("&nbsp;");
            if (unit < 0) {
                QCOMPARE(text.toDouble(), QString::number(exact, 'g', exact == std::floor(exact) ? 17 : 5).toDouble());
                continue;
            }
            const qsizetype power = QStringList{"bytes", "kB", "MB", "GB"}.indexOf(text.mid(unit + 6));
            QVERIFY2(power >= 0, qPrintable(text));
            const double rounded = text.left(unit).toDouble() * std::pow(1000.0, power);
            QVERIFY2(std::abs(rounded / exact - 1) < 0.006, qPrintable(text));
        }
        QVERIFY(numbers > 10);
        QVERIFY(page.contains("only a &lt;test&gt; &amp; nothing else"));
        QVERIFY(!page.contains("<test>") && !page.contains("http") && !page.contains("<script"));
        QVERIFY(page.contains("<svg"));
        QVERIFY((*written)["cost"]["variants"].size() >= 2);
        QVERIFY(page.contains("Look-ups"));
        QVERIFY(page.indexOf("Perplexity") < page.indexOf("SHA-256"));

        spec.evaluate.model = kModel;
        const auto itself = run(spec);
        QVERIFY(itself);
        QVERIFY((*itself)["gate"]["passed"].get<bool>());
        QVERIFY((*itself)["gate"]["override"].is_null()); // there was nothing to pass over
    }

    void aPageCanBeMadeOfAnything()
    {
        QVERIFY(reportHtml(Json::object()).find("</html>") != std::string::npos);
        QVERIFY(reportHtml({{"evaluation", 3},
                            {"model", "x"},
                            {"layers", 1},
                            {"latency", {{"models", {1, "x"}}}},
                            {"gate", nullptr}})
                    .find("</html>") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(TestEvaluateJob)
#include "tst_evaluate_job.moc"
