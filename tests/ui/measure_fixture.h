// SPDX-License-Identifier: GPL-3.0-or-later
// What the tests of the measuring pages share: folders that look like models, a scripted worker, a pair.
#pragma once

#include "tests/ui/ui_fixture.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/report_store.h"
#include "ui/text.h"

#include <QAbstractButton>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QDir>
#include <QLineEdit>
#include <QTemporaryDir>

#include <memory>

namespace sa::ui
{

class MeasureFixture
{
public:
    explicit MeasureFixture(const QString& mode = QStringLiteral("script"))
        : worker(fakeWorker(mode), shortLadder())
    {
    }

    QString makeModel(const QString& name) const
    {
        const QString path = folder.filePath(name);
        QDir().mkpath(path);
        write(path + QStringLiteral("/config.json"),
              name.contains(QLatin1String("packed")) ? "{\"quantization_config\":{}}" : "{}");
        return path;
    }
    static void write(const QString& path, const QByteArray& bytes)
    {
        QFile file(path);
        if (file.open(QIODevice::WriteOnly))
            file.write(bytes);
    }
    static QByteArray read(const QString& path)
    {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    void choose(const QString& original, const QString& compressed)
    {
        pair.choose(ModelPair::kOriginal, makeModel(original));
        pair.choose(ModelPair::kCompressed, makeModel(compressed));
    }

    /// As if an earlier session had made it of the chosen pair; `place`: where results are kept.
    bool keep(const QString& place, const QString& html) const
    {
        Report report;
        report.spec.evaluate.model = toUtf8(pair.folder(ModelPair::kCompressed));
        report.spec.evaluate.reference = toUtf8(pair.folder(ModelPair::kOriginal));
        report.spec.evaluate.text = "text.txt";
        report.spec.out = "report.json";
        report.certificate = Json::object();
        report.html = html;
        return keepReport(place, report, {folderStamp(report.original()), folderStamp(report.compressed())})
            .has_value();
    }

    QTemporaryDir folder;
    WorkerClient worker;
    ModelPair pair;
};

/// Names of the kinds of controls that have no accessible name and no text; empty is good.
inline QStringList namelessControls(const QWidget& page)
{
    QStringList nameless;
    for (const QWidget* control : page.findChildren<QWidget*>()) {
        const auto* button = qobject_cast<const QAbstractButton*>(control);
        const bool counts = button || qobject_cast<const QAbstractSpinBox*>(control) ||
                            qobject_cast<const QComboBox*>(control) || qobject_cast<const QLineEdit*>(control);
        if (!counts || control->inherits("QTableCornerButton") ||
            control->objectName().startsWith(QLatin1String("qt_")))
            continue;
        if (control->accessibleName().isEmpty() && (!button || button->text().isEmpty()))
            nameless += QString::fromLatin1(control->metaObject()->className());
    }
    return nameless;
}

} // namespace sa::ui
