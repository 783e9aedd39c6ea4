// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/model_header.h"

#include "ui/text.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/stat_tile.h"

#include <QHBoxLayout>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui
{

ModelHeader::ModelHeader(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    m_name = new ElidedLabel(Qt::ElideMiddle, this);
    scaleText(m_name, 1.5, QFont::DemiBold);
    m_path = new ElidedLabel(Qt::ElideMiddle, this);
    m_path->setMuted(true);
    m_family = makeChip({}, Tone::Accent, this);
    m_format = makeChip({}, Tone::Plain, this);
    auto* open = makeButton(tr("Open another…"), QStringLiteral("open"), this);
    m_compress = makePrimaryButton(tr("Compress…"), QStringLiteral("compress"), this);
    m_compress->setToolTip(tr("Choose how small this model may get"));
    m_export = makePrimaryButton(tr("Export…"), QStringLiteral("export"), this);
    m_export->setToolTip(tr("Write an ordinary float16 Hugging Face folder that other programs can load"));
    connect(open, &QPushButton::clicked, this, &ModelHeader::openRequested);
    connect(m_compress, &QPushButton::clicked, this, &ModelHeader::compressRequested);
    connect(m_export, &QPushButton::clicked, this, &ModelHeader::exportRequested);

    m_parameters = new StatTile(tr("Parameters"), tr("Numbers the model has learned, all tensors together"), this);
    m_size = new StatTile(tr("Size on disk"), tr("All weight files together. Lower is smaller"), this);
    m_precision =
        new StatTile(tr("Precision"), tr("How a weight of the layers below is stored. Fewer bits are smaller"), this);
    m_layers = new StatTile(tr("Linear layers"), tr("Weight matrices of the decoder blocks: the table below"), this);
    m_quantizable = new StatTile(tr("Quantizable"),
                                 tr("Share of all parameters that compression can reach. "
                                    "Embeddings and norms stay as they are. Higher saves more"),
                                 this);
    m_tokenizer =
        new StatTile(tr("Tokenizer"), tr("How text becomes numbers, and how many different ones there are"), this);

    auto* nameRow = new QHBoxLayout;
    tighten(nameRow, space::kSmall);
    nameRow->addWidget(m_name);
    nameRow->addWidget(m_family, 0, Qt::AlignVCenter);
    nameRow->addWidget(m_format, 0, Qt::AlignVCenter);
    nameRow->addStretch(1);
    auto* titles = new QVBoxLayout;
    tighten(titles, 2);
    titles->addLayout(nameRow);
    titles->addWidget(m_path);
    auto* top = new QHBoxLayout;
    tighten(top, space::kSmall);
    top->addLayout(titles, 1);
    top->addSpacing(space::kLarge);
    top->addWidget(open, 0, Qt::AlignTop);
    top->addWidget(m_compress, 0, Qt::AlignTop);
    top->addWidget(m_export, 0, Qt::AlignTop);

    auto* tiles = new QHBoxLayout;
    tighten(tiles, space::kLarge);
    for (StatTile* tile : {m_parameters, m_size, m_precision, m_layers, m_quantizable, m_tokenizer})
        tiles->addWidget(tile, 1);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, space::kLarge, 20, space::kLarge);
    layout->setSpacing(space::kMedium);
    layout->addLayout(top);
    layout->addWidget(makeLine(this));
    layout->addLayout(tiles);
}

void ModelHeader::setModel(const ModelSummary& model)
{
    m_name->setText(model.displayName());
    m_path->setText(model.folder);
    m_family->setText(shown(model.architecture, 60));
    m_format->setText(model.packed ? tr("compressed, %1 %2-bit").arg(shown(model.mode, 20)).arg(model.bits)
                                   : tr("original"));
    setTone(m_format, model.packed ? Tone::Success : Tone::Plain);
    m_compress->setVisible(!model.packed);
    m_export->setVisible(model.packed);

    m_parameters->setValue(shortCountText(static_cast<double>(model.parameters)), countText(model.parameters));
    m_size->setValue(bytesText(model.storedBytes),
                     model.packed && model.originalBytes > model.storedBytes
                         ? tr("was %1").arg(bytesText(model.originalBytes))
                         : tr("%1 bytes").arg(countText(static_cast<std::int64_t>(model.storedBytes))));
    m_precision->setValue(tr("%1 bits").arg(decimalText(model.bitsPerWeight, model.packed ? 2 : 0)),
                          model.packed ? tr("a weight, with scales") : tr("a weight, %1").arg(shown(model.dtype, 20)));
    const auto count = static_cast<std::int64_t>(model.layers.size());
    m_layers->setValue(countText(count),
                       model.blocks > 0 ? counted(model.blocks, tr("in 1 block"), tr("in %1 blocks")) : QString());
    const double share = model.parameters > 0
                             ? static_cast<double>(model.quantizableParameters) / static_cast<double>(model.parameters)
                             : 0;
    m_quantizable->setValue(percentText(share, 1),
                            tr("%1 weights").arg(shortCountText(static_cast<double>(model.quantizableParameters))));
    m_tokenizer->setValue(model.tokenizerType.isEmpty() ? tr("none") : shown(model.tokenizerType, 20),
                          model.tokenizerVocab > 0 ? tr("%1 tokens").arg(countText(model.tokenizerVocab)) : QString());
}

} // namespace sa::ui
