// SPDX-License-Identifier: GPL-3.0-or-later
// One model's half of the conversation: its name, what it says, what that costs, and what went wrong.
#pragma once

#include "ui/compare/token_view.h"
#include "ui/models/model_summary.h"

#include <QFrame>

#include <optional>

class QLabel;
class QToolButton;

namespace sa::ui
{

class Banner;
class ElidedLabel;
struct JobFailure;

class ChatPane final : public QFrame
{
    Q_OBJECT
public:
    /// `role`: "Original", "Compressed": where nothing better is known.
    explicit ChatPane(const QString& role, QWidget* parent = nullptr);

    void setModel(const std::optional<ModelSummary>& model, const QString& folder);
    QString modelName() const { return m_name; }

    void showConversation(const Conversation& conversation, int side);
    /// The last turn anew.
    void showTurn(const Turn& turn, int number, int side);
    void showTokens(const Answer& answer, int turn, int first);
    /// State and figures. `isLast`: they are the pane's own, too.
    void showAnswer(const Answer& answer, int turn, bool isLast, bool otherFirst);
    void showDifference(int turn, int token);
    void showFailure(const QString& title, const JobFailure& failure);
    void clearFailure();
    /// Copy and Change are for when nothing runs.
    void setIdle(bool idle);

    TokenView* view() const { return m_view; }
    Banner* banner() const { return m_banner; }
    QString figures() const;

Q_SIGNALS:
    void changeRequested(const QPoint& globalPosition);
    void copyRequested();
    void retryRequested();
    void pointed(const sa::ui::TokenPlace& place);

private:
    QString m_role, m_name, m_folder;
    ElidedLabel* m_title;
    QLabel *m_kind, *m_state, *m_figures;
    QToolButton *m_copy, *m_change;
    TokenView* m_view;
    Banner* m_banner;
};

} // namespace sa::ui
