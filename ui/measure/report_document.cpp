// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/report_document.h"

#include "core/base/atomic_file.h"
#include "ui/text.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QPainter>
#include <QPdfWriter>
#include <QRegularExpression>
#include <QSvgRenderer>
#include <QTextBlock>
#include <QTextCursor>
#include <QTextObjectInterface>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kDrawing = QTextFormat::UserObject + 1;
constexpr int kNumber = QTextFormat::UserProperty + 1;
constexpr double kDrawingWidth = 560, kScreenDpi = 96; // at most as wide as the text column
constexpr QChar kPlace(0xFFF9);                        // interlinear anchor: in no text

const char* const kStyle = R"(
h1 { font-size: 20pt; font-weight: 600; margin-bottom: 2px; }
h2 { font-size: 13pt; font-weight: 600; margin-top: 18px; margin-bottom: 6px; }
p { margin-top: 2px; margin-bottom: 8px; }
th { font-weight: 500; color: #56616c; text-align: left; padding: 3px 14px 3px 0; }
td { padding: 3px 14px 3px 0; }
code { font-size: 8pt; }
.ok { color: #1b6e3c; font-weight: 600; } .bad { color: #a4262c; font-weight: 600; }
figcaption { color: #56616c; }
)";

/// Draws the SVG that a character carries the number of.
class Drawings final : public QObject, public QTextObjectInterface
{
    Q_OBJECT
    Q_INTERFACES(QTextObjectInterface)
public:
    using QObject::QObject;

    /// Parsed once: it is painted with every line that scrolls by.
    int add(const QByteArray& source)
    {
        m_drawings += new QSvgRenderer(source, this);
        return static_cast<int>(m_drawings.size()) - 1;
    }
    QSizeF intrinsicSize(QTextDocument* document, int, const QTextFormat& format) override
    {
        const QSizeF size = drawing(format)->viewBoxF().size();
        if (size.isEmpty())
            return {1, 1};
        // Paper is laid out in the dots of its own device.
        const QPaintDevice* device = document->documentLayout()->paintDevice();
        double width = kDrawingWidth * (device ? device->logicalDpiX() / kScreenDpi : 1.0);
        if (const double column = document->pageSize().width() - 2 * document->documentMargin(); column > 0)
            width = std::min(width, column);
        return {width, width * size.height() / size.width()};
    }
    void drawObject(QPainter* painter, const QRectF& rect, QTextDocument*, int, const QTextFormat& format) override
    {
        drawing(format)->render(painter, rect);
    }

private:
    QSvgRenderer* drawing(const QTextFormat& format) const { return m_drawings.at(format.intProperty(kNumber)); }
    QList<QSvgRenderer*> m_drawings;
};

} // namespace

std::unique_ptr<QTextDocument> makeReportDocument(const QString& html)
{
    static const QRegularExpression style(QStringLiteral("<style>.*?</style>"),
                                          QRegularExpression::DotMatchesEverythingOption);
    static const QRegularExpression svg(QStringLiteral("<svg.*?</svg>"),
                                        QRegularExpression::DotMatchesEverythingOption);
    QString text = html;
    text.remove(style);
    text.remove(kPlace);
    QList<QByteArray> drawings;
    for (auto matches = svg.globalMatch(text); matches.hasNext();) {
        QString source = matches.next().captured();
        source.replace(QStringLiteral("<svg "), QStringLiteral("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
        drawings += source.toUtf8();
    }
    text.replace(svg, QStringLiteral("<p>%1</p>").arg(kPlace));
    // QTextDocument knows neither element; a paragraph is what they look like.
    text.replace(QStringLiteral("<figcaption>"), QStringLiteral("<p class=\"caption\"><small>"));
    text.replace(QStringLiteral("</figcaption>"), QStringLiteral("</small></p>"));
    text.replace(QStringLiteral("<table>"), QStringLiteral("<table cellspacing=\"0\" border=\"0\">"));

    auto document = std::make_unique<QTextDocument>();
    document->setUndoRedoEnabled(false);
    QFont font;
    font.setPointSizeF(10);
    document->setDefaultFont(font);
    document->setDefaultStyleSheet(QString::fromLatin1(kStyle));
    document->setDocumentMargin(24);
    document->setHtml(text);
    auto* handler = new Drawings(document.get());
    document->documentLayout()->registerHandler(kDrawing, handler);
    for (const QByteArray& source : std::as_const(drawings)) {
        QTextCursor cursor = document->find(QString(kPlace));
        if (cursor.isNull())
            break;
        QTextCharFormat format;
        format.setObjectType(kDrawing);
        format.setProperty(kNumber, handler->add(source));
        cursor.insertText(QString(QChar::ObjectReplacementCharacter), format);
    }
    return document;
}

Result<void> saveReportPdf(const QString& html, const QString& path)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer(&buffer);
    writer.setPageSize(QPageSize(QPageSize::A4));
    writer.setPageMargins(QMarginsF(15, 15, 15, 15), QPageLayout::Millimeter);
    writer.setTitle(QStringLiteral("Quality certificate"));
    const auto document = makeReportDocument(html);
    document->setDocumentMargin(0);
    document->print(&writer);
    buffer.close();
    if (bytes.isEmpty())
        return makeError(Errc::Internal, "the document could not be made").in(toUtf8(path));
    return writeFileAtomic(toUtf8(path), {bytes.constData(), static_cast<std::size_t>(bytes.size())});
}

} // namespace sa::ui

#include "report_document.moc"
