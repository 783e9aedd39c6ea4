// SPDX-License-Identifier: GPL-3.0-or-later
// The window's process. Never loads libtorch: the engine is a child process.
#include "core/base/file.h"
#include "core/protocol/messages.h"
#include "ui/compare/chat_tour.h"
#include "ui/main_window.h"
#include "ui/measure/report_document.h"
#include "ui/picture_tour.h"
#include "ui/picture_tour_measure.h"
#include "ui/style/theme.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QFile>
#include <QFontDatabase>
#include <QLocale>
#include <QTemporaryDir>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

namespace
{

/// Saves pictures in place of a session: own settings and results, so that the user's are neither shown nor changed.
/// `chat`, `measure`: a compressed folder to chat with, or to measure, beside the model; empty: compresses the model.
int takePictures(sa::ui::MainWindow::Options options, const sa::ui::PictureTour::Options& tourOptions,
                 const QString& chat, const QString& measure, QApplication& app)
{
    const QTemporaryDir settings;
    options.settingsFile = settings.filePath(QStringLiteral("settings.ini"));
    qputenv("SHIFTADD_CACHE", QFile::encodeName(settings.filePath(QStringLiteral("cache")))); // the worker inherits it
    if (QFontDatabase::families().contains(QLatin1String("Inter"))) // an offscreen platform has no desktop font
        QApplication::setFont(QFont(QStringLiteral("Inter"), 10));
    sa::ui::Theme theme(app);
    sa::ui::MainWindow window(options, theme);
    window.show();
    std::unique_ptr<sa::ui::PictureTaker> tour;
    if (!measure.isEmpty())
        tour = std::make_unique<sa::ui::MeasureTour>(
            window, theme,
            sa::ui::MeasureTour::Options{tourOptions.folder, tourOptions.suffix, tourOptions.model, measure});
    else if (chat.isEmpty())
        tour = std::make_unique<sa::ui::PictureTour>(window, theme, tourOptions);
    else
        tour = std::make_unique<sa::ui::ChatTour>(
            window, theme,
            sa::ui::ChatTour::Options{tourOptions.folder, tourOptions.suffix, tourOptions.model, chat, {}});
    QObject::connect(tour.get(), &sa::ui::PictureTaker::finished, &app,
                     [](int status) { QCoreApplication::exit(status); });
    QMetaObject::invokeMethod(tour.get(), &sa::ui::PictureTaker::start, Qt::QueuedConnection);
    return QApplication::exec();
}

/// A page that `shiftadd report --html` has written, as PDF.
int makePdf(const QString& html, const QString& pdf)
{
    auto page = sa::readFile(html.toStdString(), 64u << 20);
    const auto written =
        page ? sa::ui::saveReportPdf(QString::fromStdString(*page), pdf) : sa::Result<void>(std::move(page).error());
    if (!written)
        std::fprintf(stderr, "shiftadd-workbench: %s\n", written.error().sentence().c_str());
    return written ? 0 : sa::exitStatus(written.error().code);
}

} // namespace

int main(int argc, char** argv)
{
    // Making a PDF needs fonts and no screen.
    if (std::any_of(argv, argv + argc, [](const char* text) { return std::strncmp(text, "--report-pdf", 12) == 0; }))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    QApplication::setApplicationName(QStringLiteral("shiftadd-workbench"));
    QApplication::setApplicationDisplayName(QStringLiteral("ShiftAdd Workbench"));
    QApplication::setApplicationVersion(QString::fromUtf8(sa::buildVersion()));
    QApplication::setDesktopFileName(QStringLiteral("shiftadd-workbench"));
    if (QLocale().language() == QLocale::C) // digits in groups, as everywhere else
        QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));

    QCommandLineParser parser;
    parser.setApplicationDescription(QStringLiteral("Compresses language models into sign planes with shift scales."));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addPositionalArgument(QStringLiteral("model"), QStringLiteral("Model folder to open, or a file in it."),
                                 QStringLiteral("[model]"));
    const QCommandLineOption worker(QStringLiteral("worker"),
                                    QStringLiteral("Worker program to use in place of the one beside this program."),
                                    QStringLiteral("program"));
    const QCommandLineOption settings(QStringLiteral("settings"),
                                      QStringLiteral("Keep window settings in this file in place of the user's."),
                                      QStringLiteral("file"));
    const QCommandLineOption pictures(
        QStringLiteral("screenshot"),
        QStringLiteral("Compress the model, save pictures of the window on the way, and end."),
        QStringLiteral("folder"));
    const QCommandLineOption model(QStringLiteral("model"), QStringLiteral("The model for the pictures."),
                                   QStringLiteral("folder"));
    const QCommandLineOption suffix(QStringLiteral("suffix"), QStringLiteral("Added to the pictures' file names."),
                                    QStringLiteral("text"));
    const QCommandLineOption sensitivity(QStringLiteral("sensitivity"),
                                         QStringLiteral("A sensitivity file for more pictures of the bit budget."),
                                         QStringLiteral("file"));
    const QCommandLineOption chat(QStringLiteral("chat"),
                                  QStringLiteral("For the pictures: chat with the model and with this compressed one."),
                                  QStringLiteral("folder"));
    const QCommandLineOption measure(QStringLiteral("measure"),
                                     QStringLiteral("For the pictures: measure the model against this compressed one."),
                                     QStringLiteral("folder"));
    const QCommandLineOption reportPdf(
        QStringLiteral("report-pdf"),
        QStringLiteral("Write this PDF of the report page given in place of a model, and end. Needs no screen."),
        QStringLiteral("file"));
    parser.addOption(reportPdf);
    parser.addOptions({worker, settings, pictures, model, suffix, sensitivity, chat, measure});
    parser.process(app);

    if (parser.isSet(reportPdf)) {
        if (parser.positionalArguments().size() != 1)
            parser.showHelp(sa::exitStatus(sa::Errc::Usage));
        return makePdf(parser.positionalArguments().constFirst(), parser.value(reportPdf));
    }
    sa::ui::MainWindow::Options options;
    options.worker.program = parser.isSet(worker)
                                 ? parser.value(worker)
                                 : QDir(QApplication::applicationDirPath()).filePath(QStringLiteral("shiftadd-worker"));
    options.settingsFile = parser.value(settings);
    if (parser.isSet(pictures))
        return takePictures(
            options, {parser.value(pictures), parser.value(model), parser.value(suffix), parser.value(sensitivity)},
            parser.value(chat), parser.value(measure), app);
    sa::ui::Theme theme(app);
    sa::ui::MainWindow window(options, theme);
    window.show();
    const QStringList arguments = parser.positionalArguments();
    if (!arguments.isEmpty())
        window.openModel(arguments.constFirst());
    return QApplication::exec();
}
