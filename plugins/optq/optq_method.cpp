// SPDX-License-Identifier: GPL-3.0-or-later
// OPTQ (GPTQ): the column sweep on uniform grids that are fixed from the original weights before it starts; groups of
// columns are static, so that reordering columns costs no bytes.
#include "plugins/common/column_sweep.h"
#include "plugins/common/uniform_grid.h"

namespace
{

class Optq
{
public:
    Optq(const shiftadd::Host& host, const shiftadd::Input& input, const shiftadd::Options& options)
        : m_options{options.integer("bits"), options.flag("sym"), options.integer("group_columns")}
        , m_plan(plugins::planSweep(input.hessian, input.columns, options.number("damping"), options.flag("act_order"),
                                    host))
    {
    }

    void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const
    {
        const auto weight = plugins::withoutDeadColumns(layer.weight, layer.rows, m_plan);
        const plugins::UniformGrids grids(weight.data(), layer.rows, layer.columns, m_options);
        const auto nearest = [&](std::int64_t row, std::int64_t column, float w) {
            return grids.at(row, column).nearest(w);
        };
        result.dense(plugins::sweepColumns(weight, layer.rows, m_plan, nearest, host), grids.storedBytes());
    }

private:
    plugins::GridOptions m_options;
    plugins::SweepPlan m_plan;
};

} // namespace

SHIFTADD_METHOD("optq", Optq)
