// SPDX-License-Identifier: GPL-3.0-or-later
// The prompt for both models, and what can be done with the last one. Enter asks, Shift+Enter starts a new line, Escape
// stops.
#pragma once

#include <QFrame>

class QLabel;
class QPlainTextEdit;
class QPushButton;

namespace sa::ui
{

class Composer final : public QFrame
{
    Q_OBJECT
public:
    struct State {
        bool running = false;
        bool canSend = false;
        bool hasTurn = false; ///< something to regenerate and to edit
        bool canForce = false;
        bool hasDifference = false;
        QString whyNot; ///< why nothing can be asked; empty: nothing to say
    };

    explicit Composer(QWidget* parent = nullptr);

    void setState(const State& state);
    QString prompt() const;
    void setPrompt(const QString& prompt);
    bool isEditing() const { return m_editing; }
    /// The last prompt is in the box and will be replaced.
    void startEditing(const QString& prompt);

    QPlainTextEdit* box() const { return m_box; }
    /// As the button: asks, or stops.
    void act();

Q_SIGNALS:
    void sendRequested(const QString& prompt, bool replacesLast);
    void stopRequested();
    void regenerateRequested();
    void editRequested();
    void forceRequested();
    void differenceRequested();

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void endEditing();
    void refresh();
    void fitBox();

    State m_state;
    bool m_editing = false;
    QPlainTextEdit* m_box;
    QPushButton *m_send, *m_again, *m_edit, *m_force, *m_difference;
    QLabel* m_hint;
};

} // namespace sa::ui
