// SPDX-License-Identifier: GPL-3.0-or-later
// The window's process. Never loads libtorch: the engine is a child process.
#include "core/protocol/messages.h"
#include "ui/main_window.h"
#include "ui/style/theme.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDir>
#include <QLocale>

int main(int argc, char** argv)
{
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
    parser.addOptions({worker, settings});
    parser.process(app);

    sa::ui::MainWindow::Options options;
    options.worker.program = parser.isSet(worker)
                                 ? parser.value(worker)
                                 : QDir(QApplication::applicationDirPath()).filePath(QStringLiteral("shiftadd-worker"));
    options.settingsFile = parser.value(settings);
    sa::ui::Theme theme(app);
    sa::ui::MainWindow window(options, theme);
    window.show();
    const QStringList arguments = parser.positionalArguments();
    if (!arguments.isEmpty())
        window.openModel(arguments.constFirst());
    return QApplication::exec();
}
