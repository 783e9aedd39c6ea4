// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of a run, with what they will give beside them.
#pragma once

#include "ui/jobs/compression_run.h"
#include "ui/models/model_summary.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QPushButton;

namespace sa::ui
{

class AdvancedOptions;
class CalibrationCard;
class CheckCard;
class ElidedLabel;
class ForecastCard;
class PathEdit;
class SegmentedControl;

/// A plan from the bit budget page, in place of one width for all layers.
struct ChosenPlan {
    QString file;
    double bitsPerWeight = 0;
    std::uint64_t bytes = 0; ///< of the linears
    double meanBits = 0;     ///< planes a weight, for names
};

class RunForm final : public QWidget
{
    Q_OBJECT
public:
    explicit RunForm(QWidget* parent = nullptr);

    void setModel(const ModelSummary& model);
    void setDevices(const std::vector<DeviceInfo>& devices);
    /// Why a run cannot start now, or empty.
    void setBlocked(const QString& reason);
    /// Asks the file system again: a run may have filled the folder.
    void refreshOutput();

    RunPlan plan() const;
    QString outputFolder() const;
    void setOutputFolder(const QString& folder);
    void setBits(int bits);
    /// How much text calibrates, and how much of it the check afterwards reads.
    void setWindows(int samples, int seqlen, int checked);
    /// The model's own plan, until the user goes back to one width or another model comes.
    void setPlan(const std::optional<ChosenPlan>& plan);
    bool hasPlan() const { return m_plan.has_value(); }
    /// As it would run now, but for `out`, `plan` and what concerns the run alone.
    QuantizeSpec settings() const { return quantizeSpec(); }
    /// Presses Start, when that is possible now.
    void start();
    bool canStart() const;

Q_SIGNALS:
    void startRequested(const sa::ui::RunPlan& plan);
    void settingsChanged();

protected:
    void changeEvent(QEvent* event) override;

private:
    void limitSide();
    QWidget* makeMethodCard();
    QWidget* makeOutputCard();
    QWidget* makeAdvancedCard();
    QuantizeSpec quantizeSpec() const;
    const char* mode() const; ///< "lat" or "acc"
    int bits() const;
    int headBits() const;
    QString bitsName() const; ///< for the name of the output folder
    void suggestOutput();
    void checkOutput();
    void refresh();
    void refreshStart();

    ModelSummary m_model;
    ElidedLabel* m_modelName;
    SegmentedControl* m_mode;
    QLabel* m_modeHint;
    SegmentedControl* m_bits;
    QLabel* m_bitsHint;
    QComboBox* m_head;
    QWidget* m_planBox;
    QLabel* m_planText;
    std::optional<ChosenPlan> m_plan;
    CalibrationCard* m_calibration;
    CheckCard* m_check;
    PathEdit* m_output;
    QLabel* m_outputHint;
    AdvancedOptions* m_advanced;
    QWidget* m_side = nullptr;
    ForecastCard* m_forecast;
    QPushButton* m_start = nullptr;
    QLabel* m_startHint = nullptr;
    QString m_blocked;
    bool m_outputIsOurs = true; ///< suggested, not typed: follows bits and model
    bool m_outputUsable = false;
    quint64 m_outputGeneration = 0;
};

} // namespace sa::ui
