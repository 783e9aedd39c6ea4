// SPDX-License-Identifier: GPL-3.0-or-later
// Chats with two models in the real window and saves pictures on the way: for docs/images.
#pragma once

#include "ui/picture_taker.h"

#include <QStringList>

namespace sa::ui
{

class ChatPage;

class ChatTour final : public PictureTaker
{
    Q_OBJECT
public:
    struct Options {
        QString folder, suffix;
        QString original, compressed;
        QStringList prompts; ///< one turn each; empty: a question
        int maxTokens = 160;
    };

    ChatTour(MainWindow& window, Theme& theme, Options options, QObject* parent = nullptr);
    void start() override;

private:
    void showChooser();
    void showStreaming();
    void showNextTurn(int turn);
    void showDifference();
    void showDivergence();
    ChatPage* page() const;
    void ask(int turn);

    Options m_options;
};

} // namespace sa::ui
