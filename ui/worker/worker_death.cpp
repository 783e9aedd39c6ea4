// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/worker_death.h"

#include "ui/text.h"

#include <QCoreApplication>

#include <csignal>

namespace sa::ui
{

namespace
{

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::WorkerDeath", text);
}

QString remedyFor(const WorkerExit& exit)
{
    if (exit.crashed && exit.code == SIGKILL)
        return tr("Something outside ended it, most often because memory ran out. Close other programs, or use fewer "
                  "samples or a shorter window, then start again");
    if (exit.crashed && (exit.code == SIGTERM || exit.code == SIGINT || exit.code == SIGHUP))
        return tr("Another program asked it to stop. Start again");
    if (exit.crashed)
        return tr("This is a fault in the worker or in a library. Start again; if it happens twice, please report it "
                  "with the log below");
    if (exit.code == 126 || exit.code == 127)
        return tr("A library may be missing; the log below names it. Reinstall the program");
    return tr("Start again; the log below has the worker's last words");
}

} // namespace

QString signalName(int number)
{
    switch (number) {
    case SIGHUP:
        return QStringLiteral("SIGHUP");
    case SIGINT:
        return QStringLiteral("SIGINT");
    case SIGQUIT:
        return QStringLiteral("SIGQUIT");
    case SIGILL:
        return QStringLiteral("SIGILL");
    case SIGTRAP:
        return QStringLiteral("SIGTRAP");
    case SIGABRT:
        return QStringLiteral("SIGABRT");
    case SIGBUS:
        return QStringLiteral("SIGBUS");
    case SIGFPE:
        return QStringLiteral("SIGFPE");
    case SIGKILL:
        return QStringLiteral("SIGKILL");
    case SIGSEGV:
        return QStringLiteral("SIGSEGV");
    case SIGPIPE:
        return QStringLiteral("SIGPIPE");
    case SIGALRM:
        return QStringLiteral("SIGALRM");
    case SIGTERM:
        return QStringLiteral("SIGTERM");
    case SIGXCPU:
        return QStringLiteral("SIGXCPU");
    case SIGXFSZ:
        return QStringLiteral("SIGXFSZ");
    case SIGSYS:
        return QStringLiteral("SIGSYS");
    default:
        return tr("signal %1").arg(number);
    }
}

QString exitText(const WorkerExit& exit)
{
    if (exit.crashed)
        return tr("it was killed by signal %1 (%2)").arg(QString::number(exit.code), signalName(exit.code));
    if (exit.code == 0)
        return tr("it ended by itself (exit status 0) without an answer");
    return tr("it ended with exit status %1").arg(exit.code);
}

Error deathError(const WorkerExit& exit, const std::optional<Progress>& last)
{
    Error error = makeError(Errc::Internal, toUtf8(tr("the worker is gone: %1").arg(exitText(exit))));
    if (last) {
        error.where = toUtf8(phaseText(last->phase));
        if (!last->step.empty())
            error.where += ": " + last->step;
    }
    error.remedy = toUtf8(remedyFor(exit));
    return error;
}

Error startError(const QString& program, const QString& reason)
{
    return makeError(Errc::NotFound, toUtf8(tr("the worker program could not be started")))
        .in(toUtf8(program))
        .butFound(toUtf8(reason))
        .tryThis(toUtf8(tr("Reinstall the program: shiftadd-worker belongs beside shiftadd-workbench")));
}

} // namespace sa::ui
