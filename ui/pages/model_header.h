// SPDX-License-Identifier: GPL-3.0-or-later
// Name, place and key figures of the opened model, and what to do with it.
#pragma once

#include "ui/models/model_summary.h"

#include <QFrame>

class QLabel;
class QPushButton;

namespace sa::ui
{

class ElidedLabel;
class StatTile;

class ModelHeader final : public QFrame
{
    Q_OBJECT
public:
    explicit ModelHeader(QWidget* parent = nullptr);
    void setModel(const ModelSummary& model);

Q_SIGNALS:
    void openRequested();
    void compressRequested();
    void exportRequested();

private:
    ElidedLabel* m_name;
    ElidedLabel* m_path;
    QLabel* m_family;
    QLabel* m_format;
    QPushButton* m_compress;
    QPushButton* m_export;
    StatTile *m_parameters, *m_size, *m_precision, *m_layers, *m_quantizable, *m_tokenizer;
};

} // namespace sa::ui
