// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/pair_bar.h"

#include "ui/compare/pair_chooser.h"
#include "ui/measure/model_pair.h"
#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>

namespace sa::ui
{

PairBar::PairBar(ModelPair& pair, QWidget* parent)
    : QWidget(parent)
    , m_pair(pair)
{
    auto* layout = new QHBoxLayout(this);
    tighten(layout, space::kSmall);
    const QString titles[] = {tr("Original"), tr("Compressed")};
    const QString icons[] = {QStringLiteral("model"), QStringLiteral("compress")};
    for (int side = 0; side < 2; ++side) {
        QPushButton*& button = m_buttons[static_cast<std::size_t>(side)];
        button = makeButton({}, icons[side], this);
        auto* label = makeMuted(titles[side], this);
        label->setBuddy(button);
        connect(button, &QPushButton::clicked, this, [this, side] {
            QPushButton* clicked = m_buttons[static_cast<std::size_t>(side)];
            m_pair.popUp(side, this, clicked->mapToGlobal(QPoint(0, clicked->height())));
        });
        layout->addWidget(label);
        layout->addWidget(button);
        layout->addSpacing(space::kSmall);
    }
    layout->addStretch();
    connect(&pair, &ModelPair::changed, this, &PairBar::refresh);
    refresh();
}

void PairBar::refresh()
{
    const QString titles[] = {tr("Original: %1. Change"), tr("Compressed: %1. Change")};
    for (int side = 0; side < 2; ++side) {
        QPushButton* button = m_buttons[static_cast<std::size_t>(side)];
        button->setText(withoutMnemonics(shown(m_pair.name(side), 40)));
        button->setToolTip(plainToolTip(m_pair.folder(side)));
        button->setAccessibleName(titles[side].arg(m_pair.name(side)));
    }
}

PairChooser* makePairChooser(const QString& title, const QString& subtitle, ModelPair& pair, QWidget* parent)
{
    auto* chooser = new PairChooser(title, subtitle, parent);
    const auto showChosen = [chooser, &pair] {
        for (int side = 0; side < 2; ++side)
            chooser->setChosen(side, pair.folder(side), false);
    };
    QObject::connect(chooser, &PairChooser::chosen, &pair, &ModelPair::choose);
    QObject::connect(chooser, &PairChooser::browseRequested, parent,
                     [&pair, parent](int side) { pair.browse(side, parent); });
    QObject::connect(&pair.known(), &KnownModels::changed, chooser,
                     [chooser, &pair] { chooser->setKnown(pair.known().models()); });
    QObject::connect(&pair, &ModelPair::changed, chooser, showChosen);
    showChosen();
    return chooser;
}

} // namespace sa::ui
