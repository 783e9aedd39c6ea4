// SPDX-License-Identifier: GPL-3.0-or-later
// Round to nearest: every weight to the nearest point of the uniform grid of its group. Looks at no data.
#include "plugins/common/uniform_grid.h"

namespace
{

class Rtn
{
public:
    Rtn(const shiftadd::Host&, const shiftadd::Input&, const shiftadd::Options& options)
        : m_options{options.integer("bits"), options.flag("sym"), options.integer("group_columns")}
    {
    }

    void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const
    {
        const plugins::UniformGrids grids(layer.weight, layer.rows, layer.columns, m_options);
        std::vector<float> values(static_cast<std::size_t>(layer.rows * layer.columns));
        for (std::int64_t n = 0; n < layer.rows; ++n) {
            host.checkCancelled();
            for (std::int64_t k = 0; k < layer.columns; ++k) {
                const std::int64_t i = n * layer.columns + k;
                values[static_cast<std::size_t>(i)] = grids.at(n, k).nearest(layer.weight[i]);
            }
        }
        result.dense(values, grids.storedBytes());
    }

private:
    plugins::GridOptions m_options;
};

} // namespace

SHIFTADD_METHOD("rtn", Rtn)
