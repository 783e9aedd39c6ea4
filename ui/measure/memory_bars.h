// SPDX-License-Identifier: GPL-3.0-or-later
// Where the memory of each model goes: a bar a model, cut into weights, KV cache and scratch, all on one scale.
#pragma once

#include <QString>
#include <QWidget>

#include <array>
#include <cstdint>
#include <vector>

namespace sa::ui
{

class MemoryBars final : public QWidget
{
    Q_OBJECT
public:
    struct Bar {
        QString name; ///< shown text
        std::uint64_t weights = 0, cache = 0, scratch = 0;
        std::uint64_t total() const { return weights + cache + scratch; }
    };

    explicit MemoryBars(QWidget* parent = nullptr);
    void setBars(const std::vector<Bar>& bars);

    QSize sizeHint() const override { return minimumSizeHint(); }
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    int rowHeight() const;
    QRectF barRect(std::size_t index) const;
    std::array<QRectF, 3> partsOf(std::size_t index) const;

    std::vector<Bar> m_bars;
};

} // namespace sa::ui
