// SPDX-License-Identifier: GPL-3.0-or-later
// A few bars with a name above and the ends of their axis below.
#pragma once

#include <QWidget>

#include <vector>

namespace sa::ui
{

class MiniBars final : public QWidget
{
    Q_OBJECT
public:
    /// `meaning`: the tool tip, in plain words.
    MiniBars(const QString& name, const QString& meaning, QWidget* parent = nullptr);

    /// One height a bar, not negative. `labels` stand below: one for each bar, or one for each end.
    void setBars(std::vector<double> heights, const QStringList& labels, const QString& remark = {});

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_name, m_remark;
    std::vector<double> m_heights;
    QStringList m_labels;
};

} // namespace sa::ui
