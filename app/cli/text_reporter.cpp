// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/format.h"
#include "app/cli/progress_line.h"
#include "app/cli/reporter.h"
#include "app/cli/result_text.h"

#include <cstdio>
#include <limits>

namespace sa::cli
{

namespace
{

/// A model may write escape sequences; a terminal gets them as text. Line breaks and tabs stay.
std::string forTerminal(const std::string& text)
{
    std::string out, part;
    const auto flush = [&] {
        out += display(part, std::numeric_limits<std::size_t>::max());
        part.clear();
    };
    for (const char c : text) {
        if (c == '\n' || c == '\t') {
            flush();
            out += c;
        } else {
            part += c;
        }
    }
    flush();
    return out;
}

class TextReporter final : public Reporter
{
public:
    TextReporter(Output& output, const JobSpec& spec)
        : m_output(output)
        , m_spec(spec)
    {
    }

    void event(const Json& event) override
    {
        // The same reader as at the other end of a pipe: it sanitizes and fills defaults.
        const auto message = parseWorkerMessage(eventLine(1, event));
        if (!message)
            return;
        if (const auto* progress = std::get_if<Progress>(&message->body)) {
            if (!m_isWriting)
                m_progress.update(*progress);
        } else if (const auto* token = std::get_if<Token>(&message->body)) {
            m_isWriting = true; // a progress line would run into the text
            print(m_output.isTerminal() ? forTerminal(token->text) : token->text);
        } else if (const auto* note = std::get_if<Note>(&message->body)) {
            complain(display(note->severity, 20) + ": " + display(note->message, 1000) + "\n");
        }
    }

    void finished(const Result<Json>& outcome) override
    {
        m_progress.clear();
        if (std::holds_alternative<GenerateSpec>(m_spec) && (outcome || m_isWriting))
            print("\n");
        if (!outcome) {
            complain(errorBlock(outcome.error()));
            return;
        }
        print(resultText(m_spec, *outcome));
        if (std::holds_alternative<GenerateSpec>(m_spec))
            complain(generationSummary(*outcome));
    }

private:
    void print(const std::string& text)
    {
        m_progress.clear();
        m_output.write(text);
    }
    void complain(const std::string& text)
    {
        m_progress.clear();
        std::fputs(text.c_str(), stderr);
    }

    Output& m_output;
    JobSpec m_spec;
    ProgressLine m_progress;
    bool m_isWriting = false;
};

} // namespace

std::unique_ptr<Reporter> makeTextReporter(Output& output, const JobSpec& spec)
{
    return std::make_unique<TextReporter>(output, spec);
}

} // namespace sa::cli
