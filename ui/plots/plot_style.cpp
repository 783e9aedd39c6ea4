// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/plots/plot_style.h"

#include "core/base/atomic_file.h"
#include "ui/style/theme.h"
#include "ui/text.h"

#include <QBuffer>
#include <QSvgGenerator>

#include <qcustomplot.h>

namespace sa::ui
{

void stylePlot(QCustomPlot& plot, const QWidget& widget)
{
    const Colors& colors = colorsOf(widget.palette());
    plot.setBackground(colors.surface);
    QFont small = widget.font();
    small.setPointSizeF(small.pointSizeF() * 0.9);
    for (QCPAxis* axis : {plot.xAxis, plot.yAxis}) {
        axis->setBasePen(QPen(colors.border));
        axis->setTickPen(QPen(colors.borderStrong));
        axis->setSubTickPen(Qt::NoPen);
        axis->setTickLabelColor(colors.muted);
        axis->setTickLabelFont(small);
        axis->setLabelColor(colors.muted);
        axis->setLabelFont(small);
        axis->grid()->setPen(QPen(colors.border, 0, Qt::SolidLine));
        axis->grid()->setZeroLinePen(QPen(colors.border));
        axis->grid()->setSubGridVisible(false);
    }
}

Result<void> savePlot(QCustomPlot& plot, const QString& path)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    if (path.endsWith(QLatin1String(".svg"), Qt::CaseInsensitive)) {
        QSvgGenerator generator;
        generator.setOutputDevice(&buffer);
        generator.setSize(plot.size());
        generator.setViewBox(plot.rect());
        QCPPainter painter;
        painter.begin(&generator);
        painter.setMode(QCPPainter::pmVectorized);
        plot.toPainter(&painter, plot.width(), plot.height());
        painter.end();
    } else if (!plot.toPixmap(plot.width(), plot.height(), 2.0).save(&buffer, "PNG")) {
        return makeError(Errc::Internal, "the picture could not be made").in(toUtf8(path));
    }
    return writeFileAtomic(toUtf8(path), {bytes.constData(), static_cast<std::size_t>(bytes.size())});
}

} // namespace sa::ui
