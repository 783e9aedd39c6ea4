// SPDX-License-Identifier: GPL-3.0-or-later
// What the chosen settings will give, before they run: size, bits a weight, and the command line.
#pragma once

#include "ui/jobs/size_forecast.h"

#include <QFrame>

class QLabel;

namespace sa::ui
{

class CommandBox;

/// Two bars, before and after, to scale.
class SizeBars final : public QWidget
{
    Q_OBJECT
public:
    explicit SizeBars(QWidget* parent = nullptr);
    void setSizes(std::uint64_t before, std::uint64_t after);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    std::uint64_t m_before = 0, m_after = 0;
};

class ForecastCard final : public QFrame
{
    Q_OBJECT
public:
    explicit ForecastCard(QWidget* parent = nullptr);

    void setForecast(const ModelSummary& model, const SizeForecast& forecast);
    void setCommand(const QStringList& arguments);
    QString command() const;

private:
    QLabel* m_size;
    QLabel* m_ratio;
    SizeBars* m_bars;
    QLabel *m_bits, *m_layers, *m_rest;
    CommandBox* m_command;
};

} // namespace sa::ui
