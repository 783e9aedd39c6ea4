// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/constraints.h"
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "sensitivity_fixture.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <functional>

using namespace sa;

namespace
{

Sensitivity detailed()
{
    Sensitivity s = smallSensitivity();
    s.calibration.seed = ~std::uint64_t{0};
    LinearSensitivity& linear = s.linears[1];
    linear.criterion = {};
    linear.choices[0].damage = {std::nan(""), Provenance::Failed};
    linear.choices[1].damage.provenance = Provenance::Stale;
    linear.choices[2].damage.value = -1e-9;
    linear.problem = "out of memory";
    TensorDetail& detail = linear.detail.emplace();
    detail.deviation = 0.5;
    detail.min = -2;
    detail.histogram = {-2, 2, {1, 5, 7, 1}};
    detail.outliers = {{3, 12.5}, {0, 8}};
    detail.planeResidual = {0.36, 0.12};
    detail.exponents = {-9, {1, 2, 3}};
    return s;
}

using Change = std::function<void(Json&)>;

} // namespace
Q_DECLARE_METATYPE(Change)

class TestSensitivity : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)).toStdString(); }

private Q_SLOTS:
    void comesBackFromAFile()
    {
        const Sensitivity s = detailed();
        QVERIFY(writeSensitivity(path("s.json"), s));
        const auto read = readSensitivity(path("s.json"));
        QVERIFY2(read, read ? "" : read.error().sentence().c_str());
        QCOMPARE(json::dump(toJson(*read)), json::dump(toJson(s)));
        QCOMPARE(read->calibration.seed, ~std::uint64_t{0});
        const LinearSensitivity& linear = read->linears[1];
        QCOMPARE(linear.criterion.provenance, Provenance::Missing);
        QCOMPARE(linear.choices[0].damage.provenance, Provenance::Failed);
        QVERIFY(!linear.choices[0].damage.known());
        QCOMPARE(linear.choices[1].damage.provenance, Provenance::Stale);
        QCOMPARE(linear.choices[2].damage.value, -1e-9);
        QCOMPARE(linear.choices[3].damage.value, s.linears[1].choices[3].damage.value);
        QCOMPARE(linear.detail->outliers.at(0).channel, std::int64_t{3});
        QCOMPARE(linear.detail->exponents.counts, (std::vector<std::uint64_t>{1, 2, 3}));
        QVERIFY(!read->linears[0].detail);
        QCOMPARE(read->find(linear.name), &linear);
        // The same bytes again.
        QVERIFY(writeSensitivity(path("again.json"), *read));
        QCOMPARE(*readFile(path("again.json"), 1 << 24), *readFile(path("s.json"), 1 << 24));
    }

    void oneLinearTravelsAlone()
    {
        const LinearSensitivity linear = detailed().linears[1];
        const Json value = toJson(linear, false);
        QVERIFY(!value.contains("detail"));
        const auto read = linearSensitivityFromJson(JsonField(value, "event"));
        QVERIFY(read);
        QCOMPARE(read->name, linear.name);
        QCOMPARE(read->choices[2].bytes, linear.choices[2].bytes);
    }

    void malformedFilesAreNamed_data()
    {
        QTest::addColumn<Change>("change");
        QTest::addColumn<QString>("where");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* title, Change change, const char* where, const char* said) {
            QTest::addRow("%s", title) << std::move(change) << where << said;
        };
        row(
            "another format", [](Json& f) { f["format"] = "gguf"; }, "format", "\"shiftadd-sensitivity\"");
        row(
            "a later version", [](Json& f) { f["version"] = 2; }, "version", "expected 1");
        row(
            "no version", [](Json& f) { f.erase("version"); }, "version", "missing");
        row(
            "an unknown field", [](Json& f) { f["modle"] = 1; }, "modle", "no such field");
        row(
            "no linears", [](Json& f) { f["linears"] = Json::array(); }, "linears", "at least one");
        row(
            "linears that are no list", [](Json& f) { f["linears"] = 3; }, "linears", "a list");
        row(
            "settings that are no object", [](Json& f) { f["settings"] = 3; }, "settings", "an object");
        row(
            "a digest of the wrong length", [](Json& f) { f["model"]["weights_sha256"]["model.safetensors"] = "ab"; },
            "model.weights_sha256.model.safetensors", "SHA-256");
        row(
            "a negative seed", [](Json& f) { f["calibration"]["seed"] = -1; }, "calibration.seed", "from 0 to");
        row(
            "a name of nothing", [](Json& f) { f["linears"][0]["name"] = ""; }, "linears[0].name", "1 to 1000");
        row(
            "a name with a line break", [](Json& f) { f["linears"][0]["name"] = "a\nb"; }, "linears[0].name",
            "control characters");
        row(
            "a name twice", [](Json& f) { f["linears"][5]["name"] = f["linears"][2]["name"]; }, "linears[5].name",
            "occurs twice");
        row(
            "no rows", [](Json& f) { f["linears"][0]["N"] = 0; }, "linears[0].N", "from 1 to");
        row(
            "half a column", [](Json& f) { f["linears"][0]["K"] = 1.5; }, "linears[0].K", "an integer");
        row(
            "no choices", [](Json& f) { f["linears"][1]["choices"] = Json::array(); }, "linears[1].choices",
            "at least one");
        row(
            "five bits", [](Json& f) { f["linears"][1]["choices"][2]["bits"] = 5; }, "linears[1].choices[2].bits",
            "1, 2, 3, 4 or 16");
        row(
            "bits in another order",
            [](Json& f) { std::swap(f["linears"][1]["choices"][0], f["linears"][1]["choices"][1]); },
            "linears[1].choices[1]", "more bits");
        row(
            "negative bytes", [](Json& f) { f["linears"][1]["choices"][0]["bytes"] = -1; },
            "linears[1].choices[0].bytes", "from 0 to");
        row(
            "bytes that overflow", [](Json& f) { f["linears"][1]["choices"][0]["bytes"] = std::int64_t{1} << 60; },
            "linears[1]", "more than any model");
        row(
            "more weights than exist", [](Json& f) { f["linears"][1]["N"] = f["linears"][1]["K"] = 2'147'483'647; },
            "linears[1]", "more than any model");
        row(
            "a figure that is a bare number", [](Json& f) { f["linears"][0]["criterion"] = 3; }, "linears[0].criterion",
            "an object");
        row(
            "a figure of no provenance", [](Json& f) { f["linears"][0]["criterion"].erase("is"); },
            "linears[0].criterion.is", "missing");
        row(
            "a figure of unheard-of provenance", [](Json& f) { f["linears"][0]["criterion"]["is"] = "guessed"; },
            "linears[0].criterion.is", "estimated, measured");
        row(
            "a figure without its value", [](Json& f) { f["linears"][0]["criterion"].erase("value"); },
            "linears[0].criterion.value", "missing");
        row(
            "a negative error", [](Json& f) { f["linears"][0]["choices"][0]["error"]["value"] = -0.1; },
            "linears[0].choices[0].error.value", "from 0");
        row(
            "a figure too large to add", [](Json& f) { f["linears"][0]["choices"][0]["damage"]["value"] = 1e300; },
            "linears[0].choices[0].damage.value", "1e+200");
        row(
            "an outlier beyond the columns", [](Json& f) { f["linears"][1]["detail"]["outliers"][0]["channel"] = 256; },
            "linears[1].detail.outliers[0].channel", "to 255");
        row(
            "a count that is no number", [](Json& f) { f["linears"][1]["detail"]["histogram"]["counts"][1] = "x"; },
            "linears[1].detail.histogram.counts[1]", "an integer");
    }
    void malformedFilesAreNamed()
    {
        QFETCH(const Change, change);
        QFETCH(const QString, where);
        QFETCH(const QString, said);
        Json file = toJson(detailed());
        change(file);
        QVERIFY(writeFileAtomic(path("bad.json"), json::dump(file)));
        const auto read = readSensitivity(path("bad.json"));
        QVERIFY(!read);
        QCOMPARE(read.error().file, path("bad.json"));
        QCOMPARE(QString::fromStdString(read.error().where), where);
        QVERIFY2(QString::fromStdString(read.error().sentence()).contains(said), read.error().sentence().c_str());
        QVERIFY(read.error().code == Errc::BadFormat || read.error().code == Errc::Unsupported);
    }

    void identityIsOfTheContent()
    {
        const Sensitivity s = detailed();
        Sensitivity other = s;
        other.linears[1].detail.reset();
        other.linears[1].problem.clear();
        other.model.name = "elsewhere";
        QCOMPARE(identityOf(other), identityOf(s));
        const auto differs = [&](const std::function<void(Sensitivity&)>& change) {
            Sensitivity changed = s;
            change(changed);
            return identityOf(changed) != identityOf(s);
        };
        QVERIFY(differs([](Sensitivity& x) { x.linears[3].choices[1].damage.value *= 1 + 1e-15; }));
        QVERIFY(differs([](Sensitivity& x) { x.linears[3].choices[1].bytes += 1; }));
        QVERIFY(differs([](Sensitivity& x) { x.linears[3].choices[1].damage.provenance = Provenance::Stale; }));
        QVERIFY(differs([](Sensitivity& x) { x.settings["rotate"] = true; }));
        QVERIFY(differs([](Sensitivity& x) { x.model.weightsSha256["model.safetensors"][0] = 'c'; }));
    }

    void csvHasARowForEveryChoice()
    {
        Sensitivity s = detailed();
        s.linears[0].name = "odd, \"name\"";
        const QByteArray csv = QByteArray::fromStdString(sensitivityCsv(s));
        const QList<QByteArray> lines = csv.split('\n');
        QCOMPARE(lines.size(), static_cast<int>(s.linears.size()) * 5 + 2);
        QVERIFY(std::all_of(lines.begin(), lines.end() - 1, [](const QByteArray& l) { return l.endsWith('\r'); }));
        QVERIFY(lines[1].startsWith("\"odd, \"\"name\"\"\",0,0,q_proj,attention,256,256,"));
        const int columns = static_cast<int>(lines[0].count(','));
        for (int i = 6; i < lines.size() - 1; ++i)
            QCOMPARE(static_cast<int>(lines[i].count(',')), columns);
        QVERIFY2(lines[6].contains(",,missing,1,"), lines[6].constData()); // no criterion
        QVERIFY2(lines[6].endsWith(",,failed\r"), lines[6].constData());
    }

    void namesByPattern_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<int>("count");
        QTest::addRow("an exact name") << "model.layers.0.mlp.up_proj" << 1;
        QTest::addRow("a projection") << "q_proj" << 6;
        QTest::addRow("a path of parts") << "mlp.up_proj" << 6;
        QTest::addRow("a block") << "layers.3" << 7;
        QTest::addRow("a glob over the whole name") << "*.self_attn.[qk]_proj" << 12;
        QTest::addRow("everything") << "*" << 42;
        QTest::addRow("a regular expression") << "/layers\\.[0-2]\\..*(up|down)/" << 6;
        QTest::addRow("part of a part") << "q_pro" << -1;
        QTest::addRow("nothing") << "" << -1;
        QTest::addRow("a broken regular expression") << "/(/" << -1;
        QTest::addRow("a glob of something else") << "lm_*" << -1;
    }
    void namesByPattern()
    {
        QFETCH(const QString, pattern);
        QFETCH(const int, count);
        const auto names = matchLinears(smallSensitivity(), pattern.toStdString());
        QCOMPARE(names ? static_cast<int>(names->size()) : -1, count);
        if (!names)
            QCOMPARE(names.error().code, Errc::BadInput);
    }

    void demandsOfPeople()
    {
        const Sensitivity s = smallSensitivity();
        const std::string query = "model.layers.0.self_attn.q_proj", key = "model.layers.0.self_attn.k_proj";
        using Kind = RuleText::Kind;
        const auto rules = resolveRules(s, {{Kind::Pin, query + "=4"},
                                            {Kind::Pin, "q_proj=2"},
                                            {Kind::Pin, "*.layers.1.*=2"},
                                            {Kind::Pin, "layers.1=3"},
                                            {Kind::Exclude, "layers.0"},
                                            {Kind::Range, "*=2..3"},
                                            {Kind::Range, key + "=1..16"}});
        // "layers.0" is excluded by a pattern, and everything ranges within 2..3 by another: a contradiction.
        QVERIFY(!rules);
        QCOMPARE(rules.error().where, std::string("model.layers.0.mlp.down_proj"));
        const auto good = resolveRules(s, {{Kind::Pin, query + "=4"},
                                           {Kind::Pin, "q_proj=2"},
                                           {Kind::Pin, "*.layers.1.*=2"},
                                           {Kind::Pin, "layers.1=3"},
                                           {Kind::Range, "*=2..3"},
                                           {Kind::Range, key + "=1..16"}});
        QVERIFY2(good, good ? "" : good.error().sentence().c_str());
        QCOMPARE(good->at(query).pin, std::optional(4)); // the exact name, against pin and range by pattern
        QCOMPARE(good->at("model.layers.2.self_attn.q_proj").pin, std::optional(2));
        QCOMPARE(good->at("model.layers.1.self_attn.q_proj").pin, std::optional(3)); // the later
        QVERIFY(good->at(key).allows(1) && good->at(key).allows(16));
        QVERIFY(!good->at("model.layers.5.mlp.up_proj").allows(4));
        for (const char* text : {"q_proj", "q_proj=", "q_proj=5", "=3", "nothing=3"})
            QVERIFY2(!resolveRules(s, {{Kind::Pin, text}}), text);
        for (const char* text : {"q_proj=3", "q_proj=3..2", "q_proj=..3", "q_proj=2..x"})
            QVERIFY2(!resolveRules(s, {{Kind::Range, text}}), text);
        QVERIFY(!resolveRules(s, {{Kind::Pin, "q_proj=3"}, {Kind::Exclude, "q_proj"}}));
    }

    void links()
    {
        const Sensitivity s = smallSensitivity();
        const auto links = linksByProjection(s, {"q", "k_proj"});
        QVERIFY(links && links->size() == 6);
        QCOMPARE(links->at(1),
                 (std::vector<std::string>{"model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.k_proj"}));
        QVERIFY(linksByProjection(s, {"[gu]*"})->at(0).size() == 2);
        QCOMPARE(linksByProjection(s, {"q", "fc1"}).error().found, std::string("fc1"));
        QCOMPARE(linksBySharedInput(s).at(1).size(), std::size_t{2}); // gate and up; o and down are alone
    }
};

QTEST_APPLESS_MAIN(TestSensitivity)
#include "tst_sensitivity.moc"
