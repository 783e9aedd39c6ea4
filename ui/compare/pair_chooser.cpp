// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/pair_chooser.h"

#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/parts.h"

#include <QFileInfo>
#include <QHBoxLayout>

namespace sa::ui
{

namespace
{

constexpr std::size_t kMaxRows = 5;

QPushButton* modelButton(const KnownModel& model, QWidget* parent)
{
    const QString name = QFileInfo(model.folder).fileName();
    const QString what = model.madeHere ? PairChooser::tr("made in this session")
                         : model.packed ? PairChooser::tr("compressed")
                                        : PairChooser::tr("original");
    auto* button = new QPushButton(parent);
    button->setText(withoutMnemonics(QStringLiteral("%1   –   %2").arg(shown(name, 44), what)));
    button->setIcon(icon(model.packed ? QStringLiteral("compress") : QStringLiteral("model"), IconTone::Muted));
    button->setToolTip(plainToolTip(model.folder));
    button->setAccessibleName(PairChooser::tr("%1, %2").arg(shown(name, 100), what));
    setRole(button, "recent");
    return button;
}

} // namespace

PairChooser::PairChooser(const QString& heading, const QString& explanation, QWidget* parent)
    : QWidget(parent)
{
    m_banner = new Banner(this);
    m_banner->hide();
    auto* title = makeTitle(heading, 1.5, this);
    auto* subtitle = makeMuted(explanation, this);
    auto* cards = new QHBoxLayout;
    tighten(cards, space::kLarge);
    const QString titles[] = {tr("Left: usually the original"), tr("Right: usually compressed")};
    const QString hints[] = {tr("Open a model on the Model page, or choose a folder here."),
                             tr("Compress a model on the Compress page, or choose a packed folder here.")};
    for (int side = 0; side < 2; ++side) {
        auto* card = makeCard(this);
        card->setMinimumWidth(340);
        m_columns[static_cast<std::size_t>(side)] = makeColumn(side, titles[side], hints[side], card);
        cards->addWidget(card, 1);
    }
    auto* column = new QVBoxLayout;
    tighten(column, space::kTight);
    column->addWidget(m_banner);
    column->addStretch(2);
    column->addWidget(title, 0, Qt::AlignHCenter);
    column->addWidget(subtitle, 0, Qt::AlignHCenter);
    column->addSpacing(space::kPage);
    column->addLayout(cards);
    column->addStretch(3);
    auto* row = new QHBoxLayout(this);
    tighten(row, 0);
    row->addStretch(1);
    row->addLayout(column, 8);
    row->addStretch(1);
    setKnown({});
}

PairChooser::Column PairChooser::makeColumn(int side, const QString& title, const QString& hint, QWidget* card)
{
    Column column{};
    column.name = new ElidedLabel(Qt::ElideMiddle, card);
    scaleText(column.name, 1.15, QFont::DemiBold);
    column.state = makeMuted({}, card);
    column.nothing = makeCaption(hint, card);
    column.rows = new QVBoxLayout;
    tighten(column.rows, 0);
    auto* browse = makeButton(tr("Open a folder…"), QStringLiteral("open"), card);
    browse->setAccessibleName(tr("Open a folder: %1").arg(title));
    connect(browse, &QPushButton::clicked, this, [this, side] { Q_EMIT browseRequested(side); });
    auto* buttons = new QHBoxLayout;
    tighten(buttons, 0);
    buttons->addWidget(browse);
    buttons->addStretch();
    auto* layout = new QVBoxLayout(card);
    layout->setContentsMargins(space::kLarge, space::kMedium, space::kLarge, space::kLarge);
    layout->setSpacing(space::kTight);
    layout->addWidget(makeMuted(title, card));
    layout->addWidget(column.name);
    layout->addWidget(column.state);
    layout->addSpacing(space::kSmall);
    layout->addWidget(column.nothing);
    layout->addLayout(column.rows);
    layout->addStretch();
    layout->addSpacing(space::kSmall);
    layout->addLayout(buttons);
    return column;
}

void PairChooser::setKnown(const std::vector<KnownModel>& models)
{
    m_known = models;
    refreshRows();
}

void PairChooser::setChosen(int side, const QString& folder, bool opening)
{
    const auto at = static_cast<std::size_t>(side);
    m_chosen[at] = folder;
    m_columns[at].name->setText(folder.isEmpty() ? tr("None yet") : QFileInfo(folder).fileName());
    m_columns[at].state->setText(folder.isEmpty() ? tr("Choose a model")
                                 : opening        ? tr("Reading its headers…")
                                                  : tr("Ready"));
    refreshRows();
}

/// Originals first on the left, compressed ones on the right; the one that a side has is not offered to it again.
void PairChooser::refreshRows()
{
    for (std::size_t side = 0; side < 2; ++side) {
        Column& column = m_columns[side];
        while (QLayoutItem* item = column.rows->takeAt(0)) {
            item->widget()->deleteLater();
            delete item;
        }
        std::size_t count = 0;
        for (const bool packed : {side == 1, side == 0}) {
            for (const KnownModel& model : m_known) {
                if (model.packed != packed || model.folder == m_chosen[side] || count == kMaxRows)
                    continue;
                QPushButton* button = modelButton(model, column.name->parentWidget());
                connect(button, &QPushButton::clicked, this,
                        [this, side, folder = model.folder] { Q_EMIT chosen(static_cast<int>(side), folder); });
                column.rows->addWidget(button);
                ++count;
            }
        }
        column.nothing->setVisible(count == 0 && m_chosen[side].isEmpty());
    }
}

} // namespace sa::ui
