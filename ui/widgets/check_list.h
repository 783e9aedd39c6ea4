// SPDX-License-Identifier: GPL-3.0-or-later
// The view of a CheckListModel: as high as its rows while there is room, then it scrolls. Arrow keys move, Ctrl+C
// copies the selected rows.
#pragma once

#include <QListView>

namespace sa::ui
{

class CheckList final : public QListView
{
    Q_OBJECT
public:
    explicit CheckList(QWidget* parent = nullptr);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void updateGeometries() override;

private:
    int m_rowsHeight = 0;
};

} // namespace sa::ui
