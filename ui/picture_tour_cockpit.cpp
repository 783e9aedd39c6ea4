// SPDX-License-Identifier: GPL-3.0-or-later
// The tour's stations on the bit budget page.
#include "ui/async.h"
#include "ui/cockpit/budget_panel.h"
#include "ui/cockpit/budget_track.h"
#include "ui/cockpit/cockpit_page.h"
#include "ui/cockpit/heatmap_card.h"
#include "ui/cockpit/heatmap_view.h"
#include "ui/cockpit/side_panel.h"
#include "ui/main_window.h"
#include "ui/picture_tour.h"
#include "ui/text.h"

#include <QApplication>
#include <QMouseEvent>
#include <QUndoStack>

namespace sa::ui
{

namespace
{

constexpr double kDragBits = 2.3; // where the slider is held for the picture

void sendMouse(QWidget& widget, QEvent::Type type, const QPoint& point)
{
    QMouseEvent event(type, point, widget.mapToGlobal(point), type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton,
                      type == QEvent::MouseButtonRelease ? Qt::NoButton : Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(&widget, &event);
}

} // namespace

void PictureTour::showEstimated()
{
    CockpitPage* page = m_window.cockpitPage();
    m_window.showCockpitPage();
    waitFor([page] { return page->document().isCurrent() && !page->wantsEstimate(); },
            [this] { shoot(QStringLiteral("budget-estimated"), [this] { showAnalyzed(); }); });
}

void PictureTour::showAnalyzed()
{
    CockpitPage* page = m_window.cockpitPage();
    page->analyze();
    waitFor([page] { return !page->isRunning() && page->document().isCurrent(); },
            [this, page] {
                shoot(QStringLiteral("budget"), [this, page] {
                    page->heatmapCard()->setView({Quantity::Damage, 2});
                    page->selection().set({6}, 6);
                    page->side()->showPart(SidePanel::Tensor);
                    shoot(QStringLiteral("budget-damage"), [this] { showDrag(); });
                });
            });
}

void PictureTour::showDrag()
{
    CockpitPage* page = m_window.cockpitPage();
    page->heatmapCard()->setView({Quantity::Bits, 2});
    page->selection().clear();
    page->side()->showPart(SidePanel::Layers);
    BudgetTrack* track = page->budget()->track();
    const QPoint to = track->pointAt(page->document().plans()->allocator->bytesFor(kDragBits));
    sendMouse(*track, QEvent::MouseButtonPress, track->pointAt(track->bytes()));
    sendMouse(*track, QEvent::MouseMove, to);
    waitFor([page] { return page->document().isCurrent(); },
            [this, track, to] {
                shoot(QStringLiteral("budget-drag"), [this, track, to] {
                    sendMouse(*track, QEvent::MouseButtonRelease, to);
                    showPinned();
                });
            });
}

void PictureTour::showPinned()
{
    CockpitPage* page = m_window.cockpitPage();
    AllocationDocument& document = page->document();
    const CellGrid& grid = page->heatmapCard()->heatmap()->grid();
    document.linkSharedInputs();
    document.pin(grid.linearsOfRow(2), 4);
    document.exclude({3}); // one that no link contradicts
    document.setRange(grid.linearsOfRow(6), 2, 3);
    page->selection().set(grid.linearsOfRow(2), grid.linearsOfRow(2).front());
    waitFor([page] { return page->document().isCurrent(); },
            [this, page] {
                shoot(QStringLiteral("budget-pinned"), [this, page] {
                    page->selection().clear();
                    page->document().undoStack()->setIndex(0);
                    showLargeModel();
                });
            });
}

/// The model itself is not there; its layer list is enough for the page.
void PictureTour::showLargeModel()
{
    if (m_options.sensitivity.isEmpty())
        return showRun();
    CockpitPage* page = m_window.cockpitPage();
    auto own = std::make_shared<Sensitivity>(page->document().sensitivity());
    auto large = readSensitivity(toUtf8(m_options.sensitivity));
    if (!large)
        return fail(shown(large.error().sentence()));
    page->budget()->setTraffic({}, 0);
    page->document().setSensitivity(std::move(*large));
    waitFor([page] { return page->document().isCurrent(); },
            [this, page, own] {
                shoot(QStringLiteral("budget-80"), [this, page, own] {
                    page->heatmapCard()->setView({Quantity::Damage, 2});
                    shoot(QStringLiteral("budget-80-damage"), [this, page, own] {
                        page->heatmapCard()->setView({Quantity::Bits, 2});
                        page->budget()->setTraffic(page->model().traffic, page->model().positions);
                        page->document().setSensitivity(std::move(*own));
                        showRun();
                    });
                });
            });
}

/// The run was not made by a plan; what its layers were predicted to lose is known all the same.
void PictureTour::showCheck()
{
    CockpitPage* page = m_window.cockpitPage();
    m_window.showCockpitPage();
    page->side()->showPart(SidePanel::Check);
    shoot(QStringLiteral("budget-check"), [this] { succeed(); });
}

} // namespace sa::ui
