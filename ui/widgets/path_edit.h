// SPDX-License-Identifier: GPL-3.0-or-later
// A path to type or to choose.
#pragma once

#include <QWidget>

class QLineEdit;

namespace sa::ui
{

class PathEdit final : public QWidget
{
    Q_OBJECT
public:
    enum class Kind { File, NewFolder };

    PathEdit(Kind kind, const QString& name, QWidget* parent = nullptr);

    QString path() const;
    void setPath(const QString& path);
    void setPlaceholder(const QString& text);
    void setWrong(bool wrong);
    QLineEdit* edit() const { return m_edit; }

Q_SIGNALS:
    void pathChanged(const QString& path);
    void edited(); ///< by the user, not by setPath()

private:
    void browse();

    Kind m_kind;
    QString m_name;
    QLineEdit* m_edit;
};

} // namespace sa::ui
